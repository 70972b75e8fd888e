// The C++ side of the contract between the plugin and the page, for contract.test.mjs:
//   fedpet_ui_assessment_tool print   writes a sample assessment as the plugin writes it
//   fedpet_ui_assessment_tool parse   reads one from standard input and writes what it understood
//   fedpet_ui_assessment_tool schemas writes the JSON Schemas of the REST API

#include "orthanc-plugin/RestSchemas.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"
#include "tests/support/AssessmentBuilder.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  try {
    if (mode == "print") {
      std::cout << fedpet::plugin::assessmentToJson(fedpet::testing::anAssessment().study());
    } else if (mode == "parse") {
      const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
      std::cout << fedpet::plugin::assessmentToJson(fedpet::plugin::assessmentFromJson(text));
    } else if (mode == "schemas") {
      std::cout << fedpet::plugin::restSchemas();
    } else {
      std::cerr << "usage: fedpet_ui_assessment_tool print|parse|schemas\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
