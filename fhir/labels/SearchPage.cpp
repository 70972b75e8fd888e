#include "fhir/labels/SearchPage.h"

#include "fhir/labels/JsonView.h"

#include <algorithm>

namespace fedpet::fhir {
namespace {

constexpr std::size_t kIssuesLength = 400;
constexpr std::size_t kRemarks = 20;  // of one page

// A server's words for our log and for JSON: printable ASCII, cut.
std::string printable(std::string text) {
  for (char& c : text)
    if (c < 0x20 || c > 0x7e) c = ' ';
  if (text.size() > kIssuesLength) text = text.substr(0, kIssuesLength) + "...";
  return text;
}

void readEntry(const nlohmann::json& entry, SearchPage& page) {
  const nlohmann::json& resource = at(entry, "resource");
  const std::string type = textAt(resource, "resourceType");
  if (type == "OperationOutcome") {
    page.remarks.push_back(issuesText(resource));
  } else if (type.empty() || textAt(resource, "id").empty()) {
    page.remarks.push_back("an entry of the answer is no resource with a type and an id; left out");
  } else {
    page.resources.push_back(resource);
  }
}

}  // namespace

int jsonDepth(std::string_view text, int limit) {
  int depth = 0, deepest = 0;
  bool inString = false;
  for (std::size_t i = 0; i < text.size() && deepest <= limit; ++i) {
    const char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

std::string issuesText(const nlohmann::json& resource) {
  if (textAt(resource, "resourceType") != "OperationOutcome") return {};
  std::string text;
  for (const auto& issue : listAt(resource, "issue")) {
    std::string words = textAt(at(issue, "details"), "text");
    if (words.empty()) words = textAt(issue, "diagnostics");
    text += (text.empty() ? "" : "; ") + textAt(issue, "severity") + " " + textAt(issue, "code") +
            (words.empty() ? "" : ": " + words);
    if (text.size() > kIssuesLength) break;
  }
  return printable(text);
}

SearchPage readSearchPage(const std::string& body, int maxDepth) {
  if (jsonDepth(body, maxDepth) > maxDepth)
    throw PageFault{"the answer is nested more than " + std::to_string(maxDepth) + " levels deep"};
  const nlohmann::json bundle = nlohmann::json::parse(body, nullptr, false);
  if (bundle.is_discarded()) throw PageFault{"the answer is not JSON"};
  if (textAt(bundle, "resourceType") != "Bundle" || textAt(bundle, "type") != "searchset")
    throw PageFault{"the answer is no searchset Bundle"};
  if (bundle.contains("entry") && !at(bundle, "entry").is_array())
    throw PageFault{"the entries of the answer are no list"};
  SearchPage page;
  for (const auto& entry : listAt(bundle, "entry")) readEntry(entry, page);
  for (const auto& link : listAt(bundle, "link")) {
    if (textAt(link, "relation") == "self") page.selfUrl = textAt(link, "url");
    if (textAt(link, "relation") != "next") continue;
    // A next page that cannot be asked for is not the end of the pages.
    if (textAt(link, "url").empty()) throw PageFault{"the link to the next page has no url"};
    page.next = textAt(link, "url");
  }
  if (page.remarks.size() > kRemarks) page.remarks.resize(kRemarks);
  return page;
}

std::string targetOnOrigin(const std::string& link, const net::Url& base) {
  if (link.size() > 8000)
    throw PageFault{"the link to the next page is longer than 8000 characters"};
  for (const char c : link)
    if (c <= 0x20 || c == 0x7f) throw PageFault{"the link to the next page is no URL"};
  std::string path = base.path;
  while (path.ends_with('/')) path.pop_back();
  const std::string bare = link.substr(0, link.find_first_of("?#"));
  if (bare.find("://") == std::string::npos) {
    if (link.starts_with("//"))
      throw PageFault{"the link to the next page leads to another server"};
    if (link.starts_with('/')) return link;
    return link.starts_with('?') ? path + link : path + "/" + link;
  }
  net::Url url;
  try {
    url = net::parseUrl(bare);
  } catch (const std::invalid_argument&) {
    throw PageFault{"the link to the next page is no URL that may be followed"};
  }
  if (url.scheme != base.scheme || url.host != base.host || url.port != base.port)
    throw PageFault{
        "the link to the next page leads to another server; it is not followed. If the "
        "server stands behind a proxy, it must name itself as we reach it"};
  const auto fragment = link.find('#');
  const auto query = link.find('?');
  return url.path + (query == std::string::npos ? "" : link.substr(query, fragment - query));
}

}  // namespace fedpet::fhir
