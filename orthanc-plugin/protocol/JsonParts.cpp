#include "orthanc-plugin/protocol/JsonParts.h"

#include "orthanc-plugin/protocol/AssessmentJson.h"

#include <boost/archive/iterators/base64_from_binary.hpp>
#include <boost/archive/iterators/binary_from_base64.hpp>
#include <boost/archive/iterators/dataflow_exception.hpp>
#include <boost/archive/iterators/transform_width.hpp>

#include <cstdio>
#include <stdexcept>

namespace fedpet::plugin {

std::string toBase64(const std::vector<std::uint8_t>& bytes) {
  using namespace boost::archive::iterators;
  using Encoder =
      base64_from_binary<transform_width<std::vector<std::uint8_t>::const_iterator, 6, 8>>;
  std::string text(Encoder(bytes.begin()), Encoder(bytes.end()));
  text.append((3 - bytes.size() % 3) % 3, '=');
  return text;
}

std::vector<std::uint8_t> fromBase64(std::string text) {
  using namespace boost::archive::iterators;
  using Decoder = transform_width<binary_from_base64<std::string::const_iterator>, 8, 6>;
  if (text.size() % 4 != 0) throw std::invalid_argument("base64 of a wrong length");
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  // Boost takes '=' for a zero wherever it stands.
  if (text.find('=') < text.size() - padding) throw std::invalid_argument("'=' inside base64");
  const std::size_t size = text.size() / 4 * 3 - padding;
  text.replace(text.size() - padding, padding, padding, 'A');  // the decoder reads groups of four
  try {
    std::vector<std::uint8_t> bytes(Decoder(text.cbegin()), Decoder(text.cend()));
    bytes.resize(size);
    return bytes;
  } catch (const dataflow_exception&) {
    throw std::invalid_argument("a character that is not of base64");
  }
}

Json toJson(const Refusal& refusal) {
  return {{"code", toString(refusal.code)},
          {"detail", refusal.detail},
          {"explanation", explain(refusal.code)}};
}

Refusal refusalFrom(const Json& json) {
  return {refusalCodeFromString(json.at("code").get<std::string>()), json.at("detail")};
}

Json toJson(const std::vector<Refusal>& refusals) {
  Json list = Json::array();
  for (const Refusal& refusal : refusals) list.push_back(toJson(refusal));
  return list;
}

Json toJson(const std::optional<WallClock>& time) {
  return time ? Json(wallClockToText(*time)) : Json(nullptr);
}

std::optional<WallClock> timeFrom(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return wallClockFromText(json.get<std::string>());
}

Json toJson(const Measurement& measurement) {
  Json json{{"quantity", toString(measurement.quantity)},
            {"title", title(measurement.quantity)},
            {"unit", ucumUnit(measurement.quantity)}};
  if (measurement.value)
    json["value"] = *measurement.value;
  else
    json["refusal"] = toJson(measurement.value.error());
  json["definition"] = measurement.definition;
  json["observationUid"] = measurement.observationUid;
  return json;
}

Measurement measurementFrom(const Json& json) {
  Measurement measurement;
  measurement.quantity = quantityFromString(json.at("quantity").get<std::string>());
  if (json.contains("refusal"))
    measurement.value = tl::make_unexpected(refusalFrom(json.at("refusal")));
  else
    measurement.value = json.at("value").get<double>();
  json.at("definition").get_to(measurement.definition);
  json.at("observationUid").get_to(measurement.observationUid);
  return measurement;
}

Json toJson(const std::vector<Measurement>& measurements) {
  Json list = Json::array();
  for (const Measurement& measurement : measurements) list.push_back(toJson(measurement));
  return list;
}

std::vector<Measurement> measurementsFrom(const Json& json) {
  std::vector<Measurement> list;
  for (const Json& item : json) list.push_back(measurementFrom(item));
  return list;
}

std::string wallClockToText(WallClock time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{days};
  const std::chrono::hh_mm_ss clock{time - days};
  char text[40];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06d", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

WallClock wallClockFromText(std::string_view text) {
  int year = 0, hours = 0, minutes = 0, seconds = 0, micros = 0;
  unsigned month = 0, day = 0;
  const int read = std::sscanf(std::string(text).c_str(), "%4d-%2u-%2uT%2d:%2d:%2d.%6d", &year,
                               &month, &day, &hours, &minutes, &seconds, &micros);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (read != 7 || text.size() != 26 || !date.ok())
    throw AssessmentJsonError("not a time of the form 2000-09-07T11:20:11.000000");
  return std::chrono::local_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds) + std::chrono::microseconds(micros);
}

}  // namespace fedpet::plugin
