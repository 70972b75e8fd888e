# cmake -D OUTPUT=WebAssets.cpp -D SCRIPT=explorer.js -D "ASSETS=a.html|b.js" -P EmbedAssets.cmake
# Writes the C++ file that holds the assets as byte arrays. The content type follows the extension.
set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_svg "image/svg+xml")

function(bytes_of file variable)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  # A line per 16 bytes, for the tools that choke on a line of a megabyte.
  string(REGEX REPLACE "((0x..,){16})" "\\1\n" bytes "${bytes}")
  set(${variable} "${bytes}" PARENT_SCOPE)
endfunction()

string(REPLACE "|" ";" ASSETS "${ASSETS}")
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS ASSETS)
  get_filename_component(name ${file} NAME)
  get_filename_component(extension ${file} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "no content type is known for ${name}")
  endif()
  bytes_of(${file} bytes)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  string(APPEND arrays "constexpr unsigned char kAsset${number}[] = {\n${bytes}};\n")
  string(APPEND rows "    {\"${name}\", \"${type_${extension}}\", \"\\\"${hash}\\\"\", kAsset${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
bytes_of(${SCRIPT} script)

file(WRITE ${OUTPUT} "// Written by ui-extension/EmbedAssets.cmake.
#include \"ui-extension/WebAssets.h\"

namespace fedpet::plugin {
namespace {

${arrays}
constexpr WebAsset kAssets[] = {
${rows}};

constexpr char kExplorerScript[] = {
${script}0};

}  // namespace

std::span<const WebAsset> webAssets() { return kAssets; }

std::string_view orthancExplorerScript() { return {kExplorerScript, sizeof kExplorerScript - 1}; }

}  // namespace fedpet::plugin
")
