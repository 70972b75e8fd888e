// The result page, compiled in: one shared object to install, and page and plugin are always of one
// release. The plugin serves each asset at `<orthanc>/fedpet/app/<path>`; the page uses relative
// addresses only, so it also works behind a reverse proxy that adds a prefix.
#pragma once

#include <span>
#include <string_view>

namespace fedpet::plugin {

struct WebAsset {
  std::string_view path;         // "index.html", "app.js", ...; never starts with a slash
  std::string_view contentType;  // with its charset: "text/html; charset=utf-8"
  std::string_view etag;         // as the ETag header wants it: quoted, from the SHA-256 of `bytes`
  std::span<const unsigned char> bytes;
};

// In static storage; valid for the life of the program.
std::span<const WebAsset> webAssets();

// The script to pass to OrthancPluginExtendOrthancExplorer: ASCII, with a '\0' behind its end.
std::string_view orthancExplorerScript();

// To be sent with every asset: no inline script or style, nothing from elsewhere, no framing by others.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

}  // namespace fedpet::plugin
