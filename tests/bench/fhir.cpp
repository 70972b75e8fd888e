// Results on their way to the EHR, as ratios against a limit or a plain loop of the same run:
//   building  the resources of one assessment, in milliseconds (limit 5)
//   delivery  queued assessments through the outbox to the npm test EHR, against the same bundles
//             sent by a plain loop over one kept connection (at least 0.8 of its rate)
// The EHR is started twice, empty each time. Progress goes to stderr, the JSON to stdout.
#include "fhir/OutboxCourier.h"
#include "fhir/TransactionBundle.h"
#include "fhir/tiers/TieredSender.h"
#include "net/HttpClient.h"
#include "net/Url.h"
#include "orthanc-plugin/SociOutbox.h"
#include "tests/plugin/TemporaryDatabase.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/ehr/TestEhr.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace fedpet {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr const char* kSystem = "urn:oid:1.2.250.1.999.1";
constexpr double kLimitMs = 5, kLeastShare = 0.8;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

fhir::FhirSite site() {
  fhir::FhirSite site;
  site.patientIdentifierSystem = kSystem;
  return site;
}

// One of many results that share nothing but patient, study and device.
ResponseAssessment numbered(ResponseAssessment a, int number) {
  const std::string end = "." + std::to_string(number + 1);
  a.identity.srSopInstanceUid += end;
  for (Measurement& m : a.wholeBody) m.observationUid += end;
  for (ResponsePrediction& p : a.predictions) p.observationUid += end;
  if (a.percist)
    for (Measurement& m : a.percist->numbers) m.observationUid += end;
  return a;
}

std::string bundleOf(const ResponseAssessment& a) {
  const auto bundle = fhir::transactionBundle(a, site());
  if (!bundle) throw std::runtime_error(bundle.error().detail);
  return *bundle;
}

Json building(const ResponseAssessment& a) {
  constexpr int kRepeats = 200;
  std::size_t bytes = 0;
  const auto start = Clock::now();
  for (int n = 0; n < kRepeats; ++n) bytes += bundleOf(a).size();
  const double ms = 1000 * secondsSince(start) / kRepeats;
  return {{"msPerAssessment", ms},
          {"bundleBytes", bytes / kRepeats},
          {"limitMs", kLimitMs},
          {"passed", ms <= kLimitMs}};
}

std::unique_ptr<testing::TestEhr> emptyEhr(const ResponseAssessment& a) {
  return std::make_unique<testing::TestEhr>(std::vector<std::string>{
      "--patient", std::string(kSystem) + "|" + a.series.patient.patientId});
}

double plainLoop(const std::vector<std::string>& bundles, const testing::TestEhr& ehr) {
  net::HttpClient client(ehr.url());
  const std::string target = net::parseUrl(ehr.url()).path;
  const auto start = Clock::now();
  for (const std::string& bundle : bundles) {
    const auto answer = client.post(target, bundle, {{"Content-Type", "application/fhir+json"}});
    if (answer.status != 200)
      throw std::runtime_error("the test EHR answered " + std::to_string(answer.status));
  }
  return secondsSince(start);
}

struct Silent : fhir::CourierObserver {
  void delivered(const fhir::OutboxEntry&) override {}
  void postponed(const fhir::OutboxEntry&, fhir::OutboxTime, const std::string& why) override {
    throw std::runtime_error("postponed: " + why);
  }
  void deadLettered(const fhir::OutboxEntry&, const std::string& why) override {
    throw std::runtime_error("dead letter: " + why);
  }
  void storeFailed(const std::string& what) override { throw std::runtime_error(what); }
};

double outbox(const std::vector<std::string>& bundles, const testing::TestEhr& ehr) {
  plugin::TemporaryDatabase file;
  const auto database = file.open();
  plugin::SociOutbox store(*database);
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  for (std::size_t n = 0; n < bundles.size(); ++n)
    store.enqueue({std::to_string(n), "ehr", std::to_string(n), bundles[n]}, now);
  fhir::TieredOptions options;
  options.ehr.baseUrl = ehr.url();
  Silent silent;
  fhir::OutboxCourier courier(store, {{"ehr", std::make_shared<fhir::TieredSender>(options)}},
                              silent);
  const auto start = Clock::now();
  courier.deliverDue();
  const double seconds = secondsSince(start);
  if (store.counts().delivered != bundles.size())
    throw std::runtime_error("not every message was delivered");
  return seconds;
}

Json delivery(const ResponseAssessment& a, int messages) {
  std::vector<std::string> bundles;
  for (int n = 0; n < messages; ++n) bundles.push_back(bundleOf(numbered(a, n)));
  std::cerr << messages << " bundles by a plain loop\n";
  const double plain = plainLoop(bundles, *emptyEhr(a));
  std::cerr << "the same through the outbox\n";
  const double queued = outbox(bundles, *emptyEhr(a));
  return {{"messages", messages},
          {"plainPerSecond", messages / plain},
          {"outboxPerSecond", messages / queued},
          {"share", plain / queued},
          {"leastShare", kLeastShare},
          {"passed", plain / queued >= kLeastShare}};
}

}  // namespace
}  // namespace fedpet

int main(int argc, char** argv) try {
  int messages = 20;  // the EHR validates each resource twice: a second or more for each bundle
  for (int n = 1; n < argc; ++n) {
    if (std::strcmp(argv[n], "--messages") == 0 && n + 1 < argc) {
      messages = std::stoi(argv[++n]);
    } else {
      const bool help = std::strcmp(argv[n], "--help") == 0;
      (help ? std::cout : std::cerr)
          << "Resources built and delivered to the test EHR, as JSON.\n  --messages N  (20)\n";
      return help ? 0 : 2;
    }
  }
  if (const std::string why = fedpet::testing::TestEhr::whyNot(); !why.empty())
    throw std::runtime_error(why);
  const auto assessment = fedpet::testing::anAssessment().build();
  const fedpet::Json result = {{"building", fedpet::building(assessment)},
                               {"delivery", fedpet::delivery(assessment, messages)}};
  std::cout << result.dump(2) << '\n';
  return 0;
} catch (const std::exception& error) {
  std::cerr << "fedpet-fhir-bench: " << error.what() << '\n';
  return 1;
}
