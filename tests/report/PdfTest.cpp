#include "report/Pdf.h"
#include "report/ReportError.h"
#include "tests/report/PdfText.h"
#include "tests/report/SomeMip.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

namespace fedpet::report {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::PdfWord;
using fedpet::testing::someMip;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::byte> pdfOf(const ResponseAssessment& a, const ReportOptions& options = {}) {
  return writePdf(a, someMip(a), options);
}

std::string joined(const std::vector<std::string>& pages) {
  std::string text;
  for (const std::string& page : pages) text += page + ' ';
  return text;
}

#define NEED_POPPLER(answer) \
  if (!(answer)) GTEST_SKIP() << "package poppler-utils is not installed"

// Numbers from the builder's header, rounded by hand: SLR 1.8/2.1, BLR 1.5/2.1, ...
TEST(Pdf, PrintsWhatTheAssessmentSays) {
  const auto pages = testing::pdfPages(pdfOf(anAssessment().build()));
  NEED_POPPLER(pages);
  const std::string first = pages->front(), all = joined(*pages);
  for (const char* text : {"Test, Paulette",
                           "TEST-0001",
                           "1960-02-14",
                           "female, 66 years",
                           "2026-11-24 10:15",
                           "A4711",
                           "Physician, Referring",
                           "3 lesions",
                           "no progression within 6 months",
                           "62 %",
                           "90 % interval 48 % to 74 %",
                           "31 %",
                           "90 % interval 20 % to 44 %",
                           "58 %",
                           "calibrated on 1000 synthetic patients",
                           "trained on synthetic patients",
                           "Spleen-to-liver SUVmean ratio 0.86",
                           "Bone-marrow-to-liver SUVmean ratio 0.71",
                           "2.10 g/ml",
                           "Research use only. Not a medical device; not for treatment decisions."})
    EXPECT_THAT(first, HasSubstr(text));
  for (const char* text : {"Lesion 1", "Lesion 3", "9.00 g/ml", "+0.42", "\u22120.05", "not known",
                           "60 min", "250 MBq", "68.5 kg, 1.66 m", "Station clock has no time zone",
                           "synthetic-logistic-cox, version 1.0.0",
                           "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                           "synthetic cohort, 4000 patients, seed 20261124", "fedpet 0.1.0",
                           "2026-11-24 11:42:07 UTC", "No earlier study", "Urinary bladder"})
    EXPECT_THAT(all, HasSubstr(text));
}

TEST(Pdf, GivesTheReasonInPlaceOfARefusedNumber) {
  ResponseAssessment a = anAssessment().withoutOrgan(Organ::Liver).build();
  for (ResponsePrediction& p : a.predictions)  // whose contributions were not cleared
    p.result = tl::make_unexpected(Refusal{RefusalCode::OutOfDistribution, "TMTV 4200 ml"});
  const auto pages = testing::pdfPages(pdfOf(a));
  NEED_POPPLER(pages);
  const std::string all = joined(*pages);
  for (const char* text :
       {"Spleen-to-liver SUVmean ratio not given", "Liver not found",
        "A region could not be located with confidence; measure it by hand.", "Not given",
        "unlike those that the model was trained on", "Finding: TMTV 4200 ml"})
    EXPECT_THAT(all, HasSubstr(text));
  for (const char* text :
       {"62 %", "% interval", "0.86", "2.10 g/ml", "+0.42", "moves the", "slope 0.98"})
    EXPECT_THAT(all, Not(HasSubstr(text)));
}

TEST(Pdf, OfARefusedStudyIsOnePageWithTheReasonAndWhatToDo) {
  const auto pages = testing::pdfPages(writePdf(
      anAssessment().refused(RefusalCode::WeightMissing, "PatientWeight is 0").build(), {}));
  NEED_POPPLER(pages);
  ASSERT_EQ(pages->size(), 1U);
  EXPECT_THAT(pages->front(),
              AllOf(HasSubstr("This study was not assessed"),
                    HasSubstr("enter it at the scanner and send the series again"),
                    HasSubstr("Finding: PatientWeight is 0"), HasSubstr("WeightMissing"),
                    HasSubstr("Page 1 of 1"), Not(HasSubstr("SUVmax")), Not(HasSubstr("lesion"))));
}

TEST(Pdf, TellsTheCourse) {
  const auto pages = testing::pdfPages(pdfOf(anAssessment().withCourse().build()));
  NEED_POPPLER(pages);
  EXPECT_THAT(pages->front(), HasSubstr("Against the PET of 2026-08-17: Partial metabolic response "
                                        "(PMR) by PERCIST 1.0"));
  const std::string all = joined(*pages);
  for (const char* text :
       {"SULpeak fell by 32 %", "\u221234 %", "2026-03-02", "QIICR dcmqi", "22.4 ml", "8.25 g/ml",
        "new", "resolved", "Lesion 9 of", "shifted by the liver", "Uptake times differ by 12 min.",
        "must not be compared", "5.61 g/ml", "2.42 g/ml"})
    EXPECT_THAT(all, HasSubstr(text));
  EXPECT_THAT(all, Not(HasSubstr("No earlier study")));
}

TEST(Pdf, SaysWhyTwoStudiesAreNotCompared) {
  ResponseAssessment a = anAssessment().withCourse().build();
  const Refusal why{RefusalCode::NotComparable, "uptake times differ by 40 min"};
  a.comparison->percist = a.comparison->iPercist = tl::make_unexpected(why);
  const auto pages = testing::pdfPages(pdfOf(a));
  NEED_POPPLER(pages);
  EXPECT_THAT(pages->front(),
              AllOf(HasSubstr("no response category"), HasSubstr("uptake times differ by 40 min")));
  EXPECT_THAT(joined(*pages), Not(HasSubstr("Partial metabolic response")));
}

TEST(Pdf, SaysWhatWasHarmonisedAndWhatTheModelIsNotFor) {
  const auto pages = testing::pdfPages(pdfOf(anAssessment().withHarmonisation().build(),
                                             {.modelLimits = {"Not for chemo-immunotherapy."}}));
  NEED_POPPLER(pages);
  EXPECT_THAT(joined(*pages),
              AllOf(HasSubstr("Filtered from EARL-2 to EARL-1 (Gaussian, 5.2 mm FWHM)"),
                    HasSubstr("SLR: measured 0.86, given to the model as 0.87"),
                    HasSubstr("Not for chemo-immunotherapy.")));
}

TEST(Pdf, CarriesItsPatientAndStudyOnEveryPage) {
  const auto pages = testing::pdfPages(pdfOf(anAssessment().withLesions(200).build()));
  NEED_POPPLER(pages);
  ASSERT_GT(pages->size(), 4U);
  EXPECT_THAT(*pages,
              Each(AllOf(HasSubstr("Test, Paulette"), HasSubstr("A4711"),
                         HasSubstr("Study 2.25.4711100001"), HasSubstr("Research use only"))));
  for (std::size_t n = 0; n < pages->size(); ++n)
    EXPECT_THAT((*pages)[n], HasSubstr("Page " + std::to_string(n + 1) + " of " +
                                       std::to_string(pages->size())));
  const std::string all = joined(*pages);
  for (int lesion = 1; lesion <= 200; ++lesion)
    EXPECT_THAT(all, HasSubstr(" Lesion " + std::to_string(lesion) + " "));
}

// Half of a word's height and all but a point of its width: ascenders of one line may reach into
// the line above, letters may not.
bool overlap(const PdfWord& a, const PdfWord& b) {
  const auto middle = [](const PdfWord& w) { return (w.bottom - w.top) / 4; };
  return a.page == b.page && a.left + 0.5 < b.right - 0.5 && b.left + 0.5 < a.right - 0.5 &&
         a.top + middle(a) < b.bottom - middle(b) && b.top + middle(b) < a.bottom - middle(a);
}

// Texts far longer than any that we write, without a space where they could break.
ResponseAssessment anUnreasonableAssessment() {
  ResponseAssessment a = anAssessment()
                             .withLesions(40)
                             .withCourse()
                             .withHarmonisation()
                             .withPatientName(std::string(300, 'W') + "^" + std::string(300, 'M'))
                             .build();
  std::string words;
  for (int n = 0; n < 1500; ++n) words += "word" + std::to_string(n) + " ";
  a.series.study.studyDescription = std::string(900, 'x');
  a.wholeBody[0].definition = words;
  a.warnings = {words, std::string(3000, 'y')};
  a.regions[0].definition = words;
  a.regions.back().name = std::string(200, 'z') + " 7";
  a.predictions[0].event = words;
  a.predictions[1].calibrationNote = words;
  a.predictions[2].result = tl::make_unexpected(Refusal{RefusalCode::InputMissing, words});
  a.predictions[0].contributions[0].input = std::string(400, 'q');
  a.comparison->reasons = {words};
  a.comparison->lesions[0].note = words;
  return a;
}

void expectTidy(const std::vector<PdfWord>& words) {
  ASSERT_GT(words.size(), 100U);
  for (const PdfWord& w : words) {
    EXPECT_GE(w.left, 36) << w.text << " on page " << w.page;
    EXPECT_LE(w.right, 595.3 - 36) << w.text << " on page " << w.page;
    EXPECT_GE(w.top, 20) << w.text << " on page " << w.page;
    EXPECT_LE(w.bottom, 841.9 - 20) << w.text << " on page " << w.page;
  }
  for (std::size_t i = 0; i < words.size(); ++i)
    for (std::size_t j = i + 1; j < words.size() && words[j].page == words[i].page; ++j)
      EXPECT_FALSE(overlap(words[i], words[j]))
          << words[i].text << " over " << words[j].text << " on page " << words[i].page;
}

TEST(Pdf, DrawsNothingOverTheEdgeNorOverOtherText) {
  for (const ResponseAssessment& a :
       {anAssessment().build(), anAssessment().withLesions(200).build(),
        anAssessment().withCourse().withHarmonisation().build(), anUnreasonableAssessment(),
        anAssessment().refused(RefusalCode::DoseMissing, std::string(2000, 'x')).build()}) {
    const auto words = testing::pdfWords(writePdf(a, {}));
    NEED_POPPLER(words);
    expectTidy(*words);
  }
}

TEST(Pdf, GivesTheSameBytesForTheSameStudy) {
  const ResponseAssessment a = anAssessment().withLesions(20).withCourse().build();
  EXPECT_EQ(pdfOf(a), pdfOf(a));
  ResponseAssessment later = a;
  later.assessedAt += std::chrono::minutes(1);
  EXPECT_NE(pdfOf(a), pdfOf(later));
}

TEST(Pdf, NamesItselfAndBringsItsFonts) {
  const auto pdf =
      pdfOf(anAssessment().withPatientName("\u0418\u0432\u0430\u043d\u043e\u0432\u0430").build());
  const auto info = testing::pdfInfo(pdf);
  NEED_POPPLER(info);
  EXPECT_THAT(*info,
              AllOf(HasSubstr("FDG-PET assessment (research use only)"), HasSubstr("fedpet 0.1.0"),
                    HasSubstr("2026-11-24T11:42:07"), HasSubstr("A4")));
  const auto fonts = testing::pdfFonts(pdf);
  ASSERT_FALSE(fonts->empty());
  for (const std::string& font : *fonts)  // columns: emb, sub, uni
    EXPECT_THAT(font, HasSubstr("yes yes yes"));
}

TEST(Pdf, PrintsNamesOfAnyScript) {
  const auto pages = testing::pdfPages(
      pdfOf(anAssessment()
                .withPatientName("\u0418\u0432\u0430\u043d\u043e\u0432\u0430^\u0417\u043e\u044f^^^")
                .build()));
  NEED_POPPLER(pages);
  EXPECT_THAT(pages->front(),
              HasSubstr("\u0418\u0432\u0430\u043d\u043e\u0432\u0430, \u0417\u043e\u044f"));
  EXPECT_THAT(joined(*testing::pdfPages(
                  pdfOf(anAssessment().withPatientName("Zo\u00eb^\u0141ucja").build()))),
              HasSubstr("Zo\u00eb, \u0141ucja"));
}

// No font for it may be installed, and the bytes may be no text at all.
TEST(Pdf, SurvivesNamesThatItCannotPrint) {
  for (const std::string name :
       {"Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046",
        "\u05db\u05d4\u05df^\u05d3\u05d5\u05d3", "\u0645\u062d\u0645\u062f", "\U0001F642\U00010348",
        "bad\xff\xfe\xc3^bytes", "a\x01\x02\tb\r\nc", "", "=^^^=", "\u202eevil\u202d"}) {
    const auto pdf = pdfOf(anAssessment().withPatientName(name).build());
    const auto info = testing::pdfInfo(pdf);
    NEED_POPPLER(info);
    EXPECT_THAT(*info, AllOf(HasSubstr("Pages:"), Not(HasSubstr("Error"))));
  }
}

TEST(Pdf, HoldsUpWithoutLesionsPredictionsOrViews) {
  const auto pages =
      testing::pdfPages(writePdf(anAssessment().withLesions(0).withoutPredictions().build(), {}));
  NEED_POPPLER(pages);
  EXPECT_THAT(pages->front(), AllOf(HasSubstr("No lesion was found"), HasSubstr("No prediction")));
}

// In a process of its own, since Fontconfig reads its settings once.
TEST(PdfDeathTest, SaysWhichPackageIsMissingWhereThereIsNoFont) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const testing::TemporaryDirectory folder;
  const auto settings = folder.path() / "fonts.conf";
  std::ofstream(settings) << "<?xml version=\"1.0\"?><fontconfig><dir>" << folder.path().string()
                          << "</dir></fontconfig>";
  EXPECT_EXIT(
      {
        setenv("FONTCONFIG_FILE", settings.c_str(), 1);
        try {
          writePdf(anAssessment().build(), {});
        } catch (const ReportError& e) {
          std::cerr << e.what();
          std::exit(7);
        }
        std::exit(0);
      },
      ::testing::ExitedWithCode(7), "fonts-liberation");
}

TEST(Pdf, RefusesAViewThatIsNotOfItsSize) {
  const ResponseAssessment a = anAssessment().build();
  RotatingMip mip = someMip(a);
  mip.frames[3].role.pop_back();
  EXPECT_THROW(writePdf(a, mip), ReportError);
}

}  // namespace
}  // namespace fedpet::report
