// The content tree of a structured report as plain values: what is said, before how it is encoded.
// Relationships and value types as in PS3.3 C.17.3; which child may stand under which parent is
// checked when the tree becomes a Comprehensive 3D SR (PS3.3 A.35.13).
#pragma once

#include "clinical/Concepts.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fedpet::dicom::sr {

enum class Relation {
  Contains,
  HasObsContext,
  HasConceptMod,
  HasAcqContext,
  HasProperties,
  InferredFrom,
};

struct Container {
  std::string templateId;  // of DCMR, "1411"; empty where the container belongs to its parent's
};
struct CodeValue {
  Code code;
};
struct TextValue {
  std::string utf8;
};
struct UidValue {
  std::string uid;
};
struct DateTimeValue {
  std::string dateTime;  // DT
};
struct DateValue {
  std::string date;  // DA
};
struct TimeValue {
  std::string time;  // TM
};
struct NumberValue {
  std::string decimal;  // DS
  Code unit;
};
struct ImageValue {
  std::string sopClassUid, sopInstanceUid;
  std::optional<std::uint16_t> segmentNumber;
};

struct CompositeValue {  // any instance that is no image
  std::string sopClassUid, sopInstanceUid;
};

struct Item {
  using Value = std::variant<Container, CodeValue, TextValue, UidValue, DateTimeValue, DateValue,
                             TimeValue, NumberValue, ImageValue, CompositeValue>;
  Relation relation = Relation::Contains;
  std::optional<Code> name;  // absent for the images of an image library only
  Value value;
  std::string observationUid;  // (0040,A171) or empty
  std::vector<Item> children;

  Item& add(Item child) & {
    children.push_back(std::move(child));
    return children.back();
  }
  Item with(Item child) && {
    children.push_back(std::move(child));
    return std::move(*this);
  }
};

inline Item container(Code name, std::string templateId = {}) {
  return {Relation::Contains, std::move(name), Container{std::move(templateId)}, {}, {}};
}
inline Item code(Relation relation, Code name, Code value) {
  return {relation, std::move(name), CodeValue{std::move(value)}, {}, {}};
}
inline Item text(Relation relation, Code name, std::string utf8) {
  return {relation, std::move(name), TextValue{std::move(utf8)}, {}, {}};
}
inline Item uid(Relation relation, Code name, std::string value) {
  return {relation, std::move(name), UidValue{std::move(value)}, {}, {}};
}

// A number with its unit. A value that is not finite becomes "Not a number" (114000, DCM).
Item number(Relation relation, Code name, double value, std::string_view ucum);
// What stands in the place of a number that there is not: a CODE item, for readers want a value in
// every NUM (docs/decisions/0009). `qualifier` of CID 42 tells programs, its children tell people.
Item noNumber(Relation relation, Code name, Code qualifier);

// A Decimal String (PS3.5 6.2) of at most 16 characters and 7 significant digits, which is what a
// float pixel carries: "0", "3.15", "0.857143", "1.5e-30". `value` must be finite.
std::string decimalString(double value);

}  // namespace fedpet::dicom::sr
