#include "dicom/RetiredCodes.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace fedpet::dicom {
namespace {

struct Retired {
  std::string_view old, current;
};

constexpr std::array kSnomedRt{
    Retired{"M-01000", "49755003"},   // Morphologically Abnormal Structure
    Retired{"M-01100", "52988006"},   // Lesion
    Retired{"M-03000", "4147007"},    // Mass
    Retired{"M-80003", "86049000"},   // Malignant neoplasm, primary (morphologic abnormality)
    Retired{"M-80006", "14799000"},   // Neoplasm, Secondary
    Retired{"M-8FFFF", "108369006"},  // Tumor
    Retired{"R-00317", "373098007"},  // Mean Value of population
    Retired{"R-00319", "373099004"},  // Median Value of population
    Retired{"R-00339", "373067005"},  // No
    Retired{"R-0038D", "373066001"},  // Yes
    Retired{"R-10047", "386136009"},  // Standard Deviation
    Retired{"R-404FB", "255605001"},  // Minimum
    Retired{"R-40507", "255619001"},  // Total
    Retired{"G-A437", "56851009"},    // Maximum
    Retired{"G-C036", "370129005"},   // Measurement Method
    Retired{"G-C0E3", "363698007"},   // Finding Site
    Retired{"G-C05F", "260753009"},   // Source (attribute)
    Retired{"G-D705", "118565006"},   // Volume (property) (qualifier value)
    Retired{"R-427CE", "276214006"},  // Findings category type (qualifier value)
    Retired{"C-10072", "89457008"},   // Radioactive isotope (substance)
    Retired{"C-111A1", "77004003"},   // ^18^Fluorine
    Retired{"C-B1031", "35321007"},   // Fluorodeoxyglucose F^18^
    Retired{"T-32000", "80891009"},   // Heart structure (body structure)
    Retired{"T-42000", "15825003"},   // Aortic structure (body structure)
    Retired{"T-42500", "7832008"},    // Abdominal aorta structure (body structure)
    Retired{"T-62000", "10200004"},   // Liver structure (body structure)
    Retired{"T-71000", "64033007"},   // Kidney structure (body structure)
    Retired{"T-74000", "89837001"},   // Urinary bladder structure (body structure)
    Retired{"T-A0100", "12738006"},   // Brain structure (body structure)
    Retired{"T-C1000", "14016003"},   // Bone marrow structure (body structure)
    Retired{"T-C3000", "78961009"},   // Splenic structure (body structure)
    Retired{"T-D000A", "123037004"},  // Body structure (body structure)
    Retired{"T-D0005", "91723000"},   // Anatomical Structure
    Retired{"T-D0010", "38266002"},   // Entire body as a whole (body structure)
    Retired{"T-D0060", "113343008"},  // Body organ structure (body structure)
    Retired{"T-D0765", "281130003"},  // Descending aorta structure (body structure)
    Retired{"F-61FDB", "417881006"},  // Radiopharmaceutical agent
    Retired{"Y-X1743", "35321007"},   // Fluorodeoxyglucose F^18^, as GE writes it (99SDM)
};

constexpr std::array kSnomedCt{
    Retired{"123037004", "91723000"},    // Anatomical structure, in DICOM until 2020
    Retired{"367651003", "1240414004"},  // Malignant neoplasm
};

template <std::size_t N>
void replace(std::string& value, const std::array<Retired, N>& table) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Retired& entry) { return entry.old == value; });
  if (found != table.end()) value = found->current;
}

}  // namespace

Code currentCode(const Code& code) {
  Code current = code;
  if (code.scheme == "SRT" || code.scheme == "SNM3" || code.scheme == "99SDM") {
    replace(current.value, kSnomedRt);
    if (current.value == code.value) return code;
    current.scheme = "SCT";
  }
  if (current.scheme == "SCT") replace(current.value, kSnomedCt);
  return current;
}

Code currentUnit(const Code& unit) {
  const std::size_t close = unit.value.find('}');
  if (unit.scheme != "UCUM" || !unit.value.starts_with('{') || close == std::string::npos ||
      close + 1 == unit.value.size())
    return unit;
  return {unit.value.substr(close + 1) + unit.value.substr(0, close + 1), unit.scheme,
          unit.meaning};
}

bool meansTheSame(const Code& a, const Code& b) { return currentCode(a) == currentCode(b); }

}  // namespace fedpet::dicom
