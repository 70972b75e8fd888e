// Judges our transaction bundles with the HAPI FHIR validator: the bundle as a whole, and each of
// its resources alone. An issue of level error or fatal fails, except those in kExceptions.
//
// Usage: java --source 17 FhirPeer.java NAME=BUNDLE.json...
// Prints a line for each bundle, "passed" or "FAILED", and the issues below a failure.

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.Bundle;

public class FhirPeer {
  /** An error that says something about the validator's vocabulary and nothing about us. */
  record KnownLimit(String messagePart, String why) {}

  static final List<KnownLimit> kExceptions = List.of(
      new KnownLimit(
          "Unknown code 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue#AIAST'",
          "the validator holds the vocabulary of FHIR 4.0.1; HL7 Terminology added AIAST to this"
              + " code system later, and the AI Transparency guide (R4) demands it"));

  record Judgement(List<String> errors, int warnings, int resources) {}

  private final FhirContext context = FhirContext.forR4();
  private final IParser parser = context.newJsonParser().setParserErrorHandler(
      new StrictErrorHandler());
  private final FhirValidator validator = context.newValidator().registerValidatorModule(
      new FhirInstanceValidator(new ValidationSupportChain(
          new DefaultProfileValidationSupport(context),
          new CommonCodeSystemsTerminologyService(context),
          new InMemoryTerminologyServerValidationSupport(context))));

  private static boolean isError(SingleValidationMessage issue) {
    return issue.getSeverity() == ResultSeverityEnum.ERROR
        || issue.getSeverity() == ResultSeverityEnum.FATAL;
  }

  private static boolean isKnownLimit(SingleValidationMessage issue) {
    return kExceptions.stream().anyMatch(known -> issue.getMessage().contains(known.messagePart));
  }

  private Judgement judge(String json) {
    List<SingleValidationMessage> issues = new ArrayList<>(
        validator.validateWithResult(json).getMessages());
    List<String> errors = new ArrayList<>();
    int resources = 0;
    try {
      for (Bundle.BundleEntryComponent entry : parser.parseResource(Bundle.class, json).getEntry()) {
        String alone = parser.encodeResourceToString(entry.getResource());
        issues.addAll(validator.validateWithResult(alone).getMessages());
        ++resources;
      }
    } catch (ca.uhn.fhir.parser.DataFormatException e) {
      errors.add("does not parse strictly: " + e.getMessage());
    }
    if (resources == 0) errors.add("the bundle holds no resource");
    for (SingleValidationMessage issue : issues)
      if (isError(issue) && !isKnownLimit(issue))
        errors.add(issue.getLocationString() + ": " + issue.getMessage());
    int warnings = (int) issues.stream()
        .filter(issue -> issue.getSeverity() == ResultSeverityEnum.WARNING).count();
    return new Judgement(errors, warnings, resources);
  }

  /** A validator that accepts everything would agree with us too. */
  private boolean rejectsNonsense() {
    String overHundredPercent = """
        {"resourceType": "RiskAssessment", "status": "perhaps", "subject": {"display": "x"},
         "prediction": [{"probabilityDecimal": 162.5}]}""";
    return validator.validateWithResult(overHundredPercent).getMessages().stream()
        .filter(FhirPeer::isError).count() >= 2;
  }

  private static void report(boolean passed, String what) {
    System.out.println((passed ? "passed  " : "FAILED  ") + what);
  }

  public static void main(String[] arguments) throws Exception {
    FhirPeer peer = new FhirPeer();
    report(peer.rejectsNonsense(),
        "HAPI FHIR rejects a wrong status and a probability above 100 %");
    for (String argument : arguments) {
      String[] nameAndPath = argument.split("=", 2);
      Judgement judgement = peer.judge(Files.readString(Path.of(nameAndPath[1])));
      report(judgement.errors.isEmpty(), nameAndPath[0] + ": HAPI FHIR: no error in the bundle of "
          + judgement.resources + " resources nor in any of them (" + judgement.warnings
          + " warnings)");
      for (String error : judgement.errors) System.out.println("          " + error);
    }
  }
}
