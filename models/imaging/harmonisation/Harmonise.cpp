#include "models/imaging/harmonisation/Harmonise.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/harmonisation/GaussianFilter.h"

#include <algorithm>
#include <utility>

namespace fedpet::imaging {
namespace {

void say(Harmonisation& done, const std::string& sentence) {
  if (!done.statement.empty()) done.statement += ' ';
  done.statement += sentence;
}

std::string described(const ScannerProfile& scanner) {
  return "Scanner \"" + scanner.name + "\" (" +
         (scanner.accreditation.empty() ? "no accreditation class described"
                                        : scanner.accreditation) +
         ").";
}

void toEarl1(SuvVolume& volume, const ScannerProfile& scanner, Harmonisation& done) {
  const FilterPlan plan = planToEarl1(scanner);
  if (!plan.fwhmMm) {
    say(done, "The image was not filtered: " + plan.reason + ".");
    if (!plan.reachesTarget)
      say(done, "It does not meet EARL-1 and must not be pooled with images that do.");
    return;
  }
  filterGaussian(volume, *plan.fwhmMm);
  done.filterFwhmMm = plan.fwhmMm;
  say(done, formatted("The image was filtered to EARL-1 with a Gaussian of %.1f mm FWHM before "
                      "anything was measured (%s).",
                      *plan.fwhmMm, plan.reason.c_str()));
  if (!plan.reachesTarget)
    say(done, "Even so the recovery expected of it is not within all limits of EARL-1.");
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// Why ComBat may not touch this study at all; empty when it may.
std::string combatObstacle(const HarmonisationSettings& settings, const Harmonisation& done) {
  const CombatModel& combat = *settings.combat;
  if (done.scanner.empty()) return "the scanner is not known";
  const bool known = std::any_of(combat.scanners.begin(), combat.scanners.end(),
                                 [&](const auto& s) { return s.scanner == done.scanner; });
  if (!known) return "there are no parameters for scanner \"" + done.scanner + "\"";
  if (combat.imagesFilteredTo != settings.target)
    return "its parameters are those of images that were " +
           (combat.imagesFilteredTo.empty() ? std::string("not filtered")
                                            : "filtered to " + combat.imagesFilteredTo);
  return {};
}

}  // namespace

HarmonisationSettings readHarmonisationSettings(const std::filesystem::path& scanners,
                                                const std::string& target,
                                                const std::filesystem::path& combat) {
  HarmonisationSettings settings;
  if (!target.empty() && target != "EARL-1")
    throw HarmonisationError("the target \"" + target +
                             R"(" is not known: it is "EARL-1" or empty)");
  settings.target = target;
  if (!scanners.empty()) settings.scanners = readScannerProfiles(scanners);
  if (!combat.empty()) settings.combat = readCombat(combat);
  if (settings.scanners.empty() && !settings.isEmpty())
    throw HarmonisationError("harmonisation needs a description of the scanners");
  if (settings.combat && settings.combat->imagesFilteredTo != target)
    throw HarmonisationError("the parameters of ComBat are those of images that were " +
                             (settings.combat->imagesFilteredTo.empty()
                                  ? std::string("not filtered")
                                  : "filtered to " + settings.combat->imagesFilteredTo) +
                             ", but the target is " +
                             (target.empty() ? std::string("none") : target) +
                             ": estimate them anew");
  return settings;
}

Harmonisation harmonise(SuvVolume& volume, const PetSeries& series,
                        const HarmonisationSettings& settings) {
  Harmonisation done;
  done.targetClass = settings.target;
  const auto found = findScanner(settings.scanners, series);
  if (!found) {
    say(done, "More than one description fits the scanner (" + found.error() +
                  "): nothing was harmonised.");
    return done;
  }
  if (*found == nullptr) {
    say(done, "Scanner not described: nothing was harmonised.");
    return done;
  }
  const ScannerProfile& scanner = **found;
  done.scanner = scanner.name;
  done.scannerClass = scanner.accreditation;
  say(done, described(scanner));
  if (settings.target == "EARL-1")
    toEarl1(volume, scanner, done);
  else
    say(done, "The image was not filtered: no target is set.");
  return done;
}

std::vector<Measurement> adjustInputs(std::vector<Measurement> wholeBody,
                                      const ClinicalCovariates& covariates,
                                      const HarmonisationSettings& settings, Harmonisation& done) {
  if (!settings.combat) return wholeBody;
  if (const std::string obstacle = combatObstacle(settings, done); !obstacle.empty()) {
    say(done, "ComBat was not applied: " + obstacle + ".");
    return wholeBody;
  }
  std::vector<std::string> changes, left;
  for (const CombatInput& input : settings.combat->inputs)
    for (Measurement& m : wholeBody) {
      if (toString(m.quantity) != input.input || !m.value) continue;
      const double measured = *m.value;
      const auto adjusted =
          combatAdjusted(*settings.combat, done.scanner, input.input, measured, covariates);
      if (!adjusted) {
        left.push_back(input.input + " (" + adjusted.error() + ")");
        continue;
      }
      m.value = *adjusted;
      done.adjusted.push_back({input.input, measured, *adjusted});
      changes.push_back(
          formatted("%s from %.4g to %.4g", input.input.c_str(), measured, *adjusted));
    }
  if (!changes.empty())
    say(done, "For the model, ComBat adjusted " + joined(changes) +
                  "; the measurements are shown as measured.");
  if (!left.empty()) say(done, "ComBat left as measured: " + joined(left) + ".");
  if (changes.empty() && left.empty()) say(done, "ComBat found none of its inputs measured.");
  return wholeBody;
}

std::string suffix(const Harmonisation& done) {
  if (!done.filterFwhmMm) return {};
  return formatted("; image filtered to %s (Gaussian FWHM %.1f mm)", done.targetClass.c_str(),
                   *done.filterFwhmMm);
}

void noteBesideNumbers(ResponseAssessment& assessment) {
  const std::string note = assessment.harmonisation ? suffix(*assessment.harmonisation) : "";
  const auto append = [&](std::vector<Measurement>& numbers) {
    for (Measurement& m : numbers) m.definition += note;
  };
  append(assessment.wholeBody);
  for (Region& region : assessment.regions) {
    region.definition += note;
    append(region.measurements);
  }
  if (assessment.percist) {
    assessment.percist->definition += note;
    append(assessment.percist->numbers);
  }
  if (assessment.comparison) append(assessment.comparison->changes);
}

}  // namespace fedpet::imaging
