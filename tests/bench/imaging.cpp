// How well the rules find organs and lesions on synthetic patients, as JSON on stdout: a designed
// grid over what the generator can vary, and patients drawn at random; then what a study costs on
// grids of 4, 3 and 2 mm. What the numbers mean: docs/anatomy.md.
// usage: fedpet-imaging-bench [--seeds N] [--condition NAME] [--no-timing] [--pictures FOLDER]
//   --seeds      patients a condition, and 8 N at random (2)
//   --condition  only this one ("random" for the random ones), with every single case
//   --pictures   a coronal and a sagittal projection with the regions of every case, as PPM
#include "models/imaging/Mip.h"
#include "models/imaging/RuleBasedAnatomy.h"
#include "models/imaging/StudyMeasurement.h"
#include "tests/imaging/RuleBasedAnatomyCases.h"
#include "tests/imaging/RuleBasedAnatomyScore.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace fedpet;
using namespace fedpet::imaging;
using namespace fedpet::testing;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct Arguments {
  int seeds = 2;
  std::string condition, pictures;
  bool timing = true, help = false;
};

constexpr const char* kHelp =
    "Organs and lesions on synthetic patients, and time by voxels, as JSON.\n"
    "  --seeds N         patients of each condition (2)\n"
    "  --condition NAME  this one alone\n"
    "  --no-timing       accuracy only\n"
    "  --pictures DIR    a projection of each patient\n";

Arguments read(int argc, char** argv) {
  Arguments arguments;
  for (int n = 1; n < argc; ++n) {
    const std::string word = argv[n];
    const auto next = [&] {
      if (++n >= argc) throw std::invalid_argument(word + " needs a value");
      return std::string(argv[n]);
    };
    if (word == "--seeds")
      arguments.seeds = std::stoi(next());
    else if (word == "--condition")
      arguments.condition = next();
    else if (word == "--pictures")
      arguments.pictures = next();
    else if (word == "--no-timing")
      arguments.timing = false;
    else if (word == "--help")
      arguments.help = true;
    else if (word != "--json")  // the only form there is
      throw std::invalid_argument("unknown argument " + word);
  }
  if (arguments.seeds < 1) throw std::invalid_argument("--seeds needs a number of at least 1");
  return arguments;
}

std::vector<AnatomyCase> casesOf(const Arguments& arguments) {
  std::vector<AnatomyCase> cases;
  // Another patient for every condition, and seeds that the rules' tests use for a few.
  const std::size_t conditions = designedCases(1).size();
  for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(arguments.seeds); ++n)
    for (std::size_t c = 0; c < conditions; ++c)
      cases.push_back(designedCases(1001 + n + 50 * c)[c]);
  for (int n = 0; n < 8 * arguments.seeds; ++n)
    cases.push_back(randomCase(2001 + static_cast<std::uint64_t>(n)));
  if (!arguments.condition.empty())
    std::erase_if(cases,
                  [&](const AnatomyCase& one) { return one.condition != arguments.condition; });
  if (cases.empty()) throw std::invalid_argument("no such condition: " + arguments.condition);
  return cases;
}

void paintPicture(const MipView& view, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << "P6\n" << view.width << ' ' << view.height << "\n255\n";
  for (std::size_t n = 0; n < view.suv.size(); ++n) {
    const int dark = 255 - view.suv[n];
    std::array<int, 3> rgb{dark, dark, dark};
    if (view.role[n] == 1) rgb = {255, dark / 2, dark / 2};
    if (view.role[n] == 2) rgb = {dark / 2, dark / 2, 255};
    if (view.role[n] == 3) rgb = {dark / 2, 200, dark / 2};
    for (int c : rgb) file.put(static_cast<char>(c));
  }
}

struct Judged {
  std::string condition;
  std::uint64_t seed = 0;
  CaseScore score;
};

Judged judgeOne(const AnatomyCase& one, const std::string& pictures) {
  const sample::Phantom phantom = paint(one);
  const auto findings = measureStudy(phantom.image, {}, RuleBasedAnatomy());
  if (!findings) throw std::runtime_error(one.condition + ": refused");
  if (!pictures.empty())
    for (const MipView& view : findings->mips)
      paintPicture(view, pictures + "/" + one.condition + " " + std::to_string(one.spec.seed) +
                             " " + view.name + ".ppm");
  return {one.condition, one.spec.seed, judge(phantom, *findings)};
}

std::vector<Judged> judgeAll(const std::vector<AnatomyCase>& cases, const std::string& pictures) {
  std::vector<Judged> judged(cases.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::string why;
  const auto work = [&] {
    for (std::size_t n; !failed && (n = next++) < cases.size();) {
      try {
        judged[n] = judgeOne(cases[n], pictures);
      } catch (const std::exception& error) {
        if (!failed.exchange(true)) why = error.what();
      }
      std::fprintf(stderr, "\r%zu of %zu", std::min(n + 1, cases.size()), cases.size());
    }
  };
  {
    std::vector<std::jthread> workers;
    const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
    for (unsigned n = 0; n < count; ++n) workers.emplace_back(work);
  }
  std::fprintf(stderr, "\n");
  if (failed) throw std::runtime_error(why);
  return judged;
}

Json rounded(double value) { return std::round(value * 1000) / 1000; }

Json spread(std::vector<double> values) {
  if (values.empty()) return nullptr;
  std::sort(values.begin(), values.end());
  return {{"median", rounded(values[values.size() / 2])},
          {"worst", rounded(values.front())},
          {"n", values.size()}};
}

Json organSummary(const std::vector<const Judged*>& judged, std::size_t organ) {
  std::map<Verdict, int> verdicts;
  std::vector<double> dice, purity;
  double error = 0, uncovered = 0, swallowed = 0;
  for (const Judged* one : judged) {
    const OrganScore& score = one->score.organs[organ];
    ++verdicts[score.verdict];
    if (score.dice) dice.push_back(*score.dice);
    if (score.purity) purity.push_back(*score.purity);
    if (score.suvError) error = std::max(error, std::abs(*score.suvError));
    uncovered += score.uncoveredMl;
    swallowed += score.swallowedMl;
  }
  Json json;
  for (Verdict v :
       {Verdict::Right, Verdict::Wrong, Verdict::Invented, Verdict::Missed, Verdict::Refused})
    if (verdicts[v]) json[std::string(toString(v))] = verdicts[v];
  if (!dice.empty()) json["dice"] = spread(dice);
  if (!purity.empty()) {
    json["purity"] = spread(purity);
    json["largestSuvError"] = rounded(error);
  }
  const auto count = static_cast<double>(judged.size());
  if (uncovered > 0) json["uncoveredMlMean"] = rounded(uncovered / count);
  if (swallowed > 0) json["swallowedMlMean"] = rounded(swallowed / count);
  return json;
}

Json lesionSummary(const std::vector<const Judged*>& judged) {
  std::vector<double> dice;
  double falsePositive = 0, falseNegative = 0, truth = 0;
  std::map<std::string, double> byTissue;
  for (const Judged* one : judged) {
    const auto& lesions = one->score.lesions;
    // As the challenge does: DSC is skipped where there is no lesion.
    if (lesions.dice && lesions.referenceComponents > 0) dice.push_back(*lesions.dice);
    falsePositive += lesions.falsePositiveMl;
    falseNegative += lesions.falseNegativeMl;
    truth += lesions.referenceMl;
    for (const auto& [tissue, ml] : one->score.falsePositiveMlByTissue) byTissue[tissue] += ml;
  }
  const auto count = static_cast<double>(judged.size());
  Json json{{"dice", spread(dice)},
            {"FPVmlMean", rounded(falsePositive / count)},
            {"FNVmlMean", rounded(falseNegative / count)},
            {"truthMlMean", rounded(truth / count)}};
  for (const auto& [tissue, ml] : byTissue)
    if (ml / count >= 0.05) json["FPVmlMeanByTissue"][tissue] = rounded(ml / count);
  return json;
}

// Of the regions in each band of confidence, how many are right.
Json calibration(const std::vector<Judged>& judged) {
  struct Band {
    int all = 0, right = 0;
  };
  std::array<Band, 3> bands{};  // from 0.4, 0.6, 0.8
  Json wrong = Json::array();
  for (const Judged& one : judged)
    for (const OrganScore& score : one.score.organs) {
      if (!score.confidence) continue;
      const std::size_t band =
          *score.confidence >= 0.8 - 1e-9 ? 2 : *score.confidence >= 0.6 - 1e-9;
      ++bands[band].all;
      bands[band].right += score.verdict == Verdict::Right;
      if (score.verdict != Verdict::Right)
        wrong.push_back(one.condition + ", seed " + std::to_string(one.seed) + ": " +
                        std::string(toString(score.organ)) + " " +
                        std::string(toString(score.verdict)) + " at " +
                        std::to_string(*score.confidence).substr(0, 4));
    }
  Json json;
  const char* names[] = {"0.4 to 0.6", "0.6 to 0.8", "0.8 to 1"};
  for (std::size_t b = 0; b < bands.size(); ++b)
    json[names[b]] = {{"regions", bands[b].all},
                      {"right", bands[b].right},
                      {"share", rounded(bands[b].right / std::max(1.0, 1.0 * bands[b].all))}};
  json["confidentButWrong"] = bands[2].all - bands[2].right;
  json["notRight"] = std::move(wrong);
  return json;
}

Json summary(const std::vector<const Judged*>& judged) {
  Json json{{"patients", judged.size()}};
  for (std::size_t o = 0; o < kJudgedOrgans.size(); ++o)
    json[std::string(toString(kJudgedOrgans[o]))] = organSummary(judged, o);
  json["lesions"] = lesionSummary(judged);
  return json;
}

Json single(const Judged& one) {
  Json json{{"seed", one.seed}};
  for (const OrganScore& score : one.score.organs) {
    Json& organ = json[std::string(toString(score.organ))];
    organ["verdict"] = toString(score.verdict);
    if (score.confidence) organ["confidence"] = rounded(*score.confidence);
    if (score.dice) organ["dice"] = rounded(*score.dice);
    if (score.purity) organ["purity"] = rounded(*score.purity);
    if (score.suvError) organ["suvError"] = rounded(*score.suvError);
    if (score.uncoveredMl > 0) organ["uncoveredMl"] = rounded(score.uncoveredMl);
    if (score.swallowedMl > 0) organ["swallowedMl"] = rounded(score.swallowedMl);
    if (!score.why.empty()) organ["why"] = score.why;
  }
  json["lesions"] = lesionSummary({&one});
  return json;
}

// The same patient on finer and finer voxels: the fastest of three, so that another program on
// the machine does not count.
Json timing() {
  Json grids = Json::array();
  std::vector<double> perMvoxel;
  for (double mm : {4.0, 3.0, 2.0}) {
    sample::PhantomSpec spec = designedCases(1001).front().spec;
    spec.scanner.voxelMm = {mm, mm, mm};
    spec.scanner.matrix = static_cast<int>(600 / mm);
    const SuvVolume image = makePhantom(spec).image;
    double fastest = 1e9;
    for (int n = 0; n < 3; ++n) {
      const auto start = Clock::now();
      if (!measureStudy(image, {}, RuleBasedAnatomy())) throw std::runtime_error("refused");
      fastest = std::min(fastest, std::chrono::duration<double>(Clock::now() - start).count());
    }
    const double mvoxels = static_cast<double>(image.suvBw.size()) / 1e6;
    perMvoxel.push_back(1000 * fastest / mvoxels);
    grids.push_back({{"voxelMm", mm},
                     {"Mvoxels", rounded(mvoxels)},
                     {"seconds", rounded(fastest)},
                     {"msPerMvoxel", rounded(perMvoxel.back())}});
  }
  return {{"grids", grids},
          {"perVoxel2mmTo4mm", rounded(perMvoxel.back() / perMvoxel.front())},
          {"required", "at most 1.2: not worse than linear in voxels"},
          {"passed", perMvoxel.back() <= 1.2 * perMvoxel.front()}};
}

Json run(const Arguments& arguments) {
  const auto start = Clock::now();
  const std::vector<Judged> judged = judgeAll(casesOf(arguments), arguments.pictures);
  Json json{{"bench", "organs and lesions on synthetic patients"}};
  std::vector<const Judged*> all, whole;
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Judged*>> byCondition;
  for (const Judged& one : judged) {
    all.push_back(&one);
    if (byCondition[one.condition].empty()) order.push_back(one.condition);
    byCondition[one.condition].push_back(&one);
  }
  json["overall"] = summary(all);
  json["confidence"] = calibration(judged);
  for (const std::string& condition : order)
    json["conditions"][condition] = summary(byCondition[condition]);
  if (!arguments.condition.empty())
    for (const Judged& one : judged) json["cases"].push_back(single(one));
  if (arguments.timing) json["timing"] = timing();
  json["seconds"] = rounded(std::chrono::duration<double>(Clock::now() - start).count());
  return json;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments = read(argc, argv);
    if (arguments.help)
      std::cout << kHelp;
    else
      std::cout << run(arguments).dump(2) << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "fedpet-imaging-bench: " << error.what() << '\n';
    return 1;
  }
}
