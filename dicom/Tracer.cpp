#include "dicom/Tracer.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace fedpet::dicom {
namespace {

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// SRT and its older names (SNM3, 99SDM) share their code values.
bool isSnomedRt(const std::string& scheme) {
  return scheme == "SRT" || scheme == "SNM3" || scheme == "99SDM";
}

bool isFdg(const Code& agent) {
  if (agent.scheme == "SCT") return agent.value == "35321007";
  // Y-X1743 is what GE Discovery scanners write.
  return isSnomedRt(agent.scheme) && (agent.value == "C-B1031" || agent.value == "Y-X1743");
}

bool isF18(const Code& nuclide) {
  if (nuclide.scheme == "SCT") return nuclide.value == "77004003";
  return isSnomedRt(nuclide.scheme) && nuclide.value == "C-111A1";
}

bool isKnownScheme(const Code& code) { return code.scheme == "SCT" || isSnomedRt(code.scheme); }

std::string quoted(const Code& code) {
  return "(" + code.value + ", " + code.scheme + ", \"" + code.meaning + "\")";
}

}  // namespace

bool namesFdg(const std::string& text) {
  const std::string lower = lowered(text);
  for (const char* name : {"fluorodeoxyglucose", "fludeoxyglucose", "fluorodesoxyglucose",
                           "fluordesoxyglucose", "deoxyglucose"})
    if (lower.find(name) != std::string::npos) return true;
  const auto isLetter = [&](std::size_t at) {
    return at < lower.size() && std::isalpha(static_cast<unsigned char>(lower[at])) != 0;
  };
  for (std::size_t at = lower.find("fdg"); at != std::string::npos; at = lower.find("fdg", at + 1))
    if (!isLetter(at + 3) && (at == 0 || !isLetter(at - 1))) return true;
  return false;
}

RecognisedTracer recogniseTracer(const PetSeries& series) {
  const Radiopharmaceutical& drug = series.radiopharmaceutical;
  // A nuclide that cannot carry FDG outweighs whatever else is written.
  if (drug.nuclideCode && isKnownScheme(*drug.nuclideCode) && !isF18(*drug.nuclideCode))
    return {TracerEvidence::OtherTracer, "the radionuclide is " + quoted(*drug.nuclideCode)};
  if (drug.agentCode && isFdg(*drug.agentCode)) {
    if (!drug.name.empty() && !namesFdg(drug.name))
      return {TracerEvidence::FdgByText,
              "the agent's code is FDG, but Radiopharmaceutical "
              "(0018,0031) is '" +
                  drug.name + "'"};
    return {TracerEvidence::FdgByCode, quoted(*drug.agentCode)};
  }
  if (drug.agentCode && !namesFdg(drug.agentCode->meaning))
    return {TracerEvidence::OtherTracer, "the agent is " + quoted(*drug.agentCode)};
  if (drug.agentCode)
    return {TracerEvidence::FdgByText,
            "the agent's code is not in our table: " + quoted(*drug.agentCode)};
  if (!drug.name.empty())
    return {namesFdg(drug.name) ? TracerEvidence::FdgByText : TracerEvidence::OtherTracer,
            "Radiopharmaceutical (0018,0031) is '" + drug.name + "'"};
  return {TracerEvidence::Unknown, "neither a code nor a name of the tracer is given"};
}

}  // namespace fedpet::dicom
