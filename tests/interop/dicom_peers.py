"""Reads our SR and SEG with pydicom and highdicom, and looks for the numbers of assessment.json;
lets our program read theirs.

Usage: dicom_peers.py [--fedpet PROGRAM --peers FOLDER] NAME=CASE...
FOLDER holds SR and SEG that others wrote (data/peers). A CASE is a folder with PT/ (the series), assessment.json, sr.dcm, seg.dcm unless the study was
refused, suv.json (`fedpet suv PT --json`) and suv.exit (its exit code).

The SUV and the regions' statistics are computed here once more, from the stored pixels and from
PS3.3 C.8.9 alone; nothing of our own program is used. Prints a line for each check: "passed"
or "FAILED".
"""

import argparse
import json
import subprocess
import traceback
from copy import copy
from datetime import datetime
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from pydicom.sr._concepts_dict import concepts as pydicom_concepts
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

DCM, SCT = codes.DCM, codes.SCT
SUL = Code("126405", "DCM", "SUVlbm(Janma)")

# Where a number stands in TID 1411 and 1501 (PS3.16): its concept name and its derivation.
# None: our own concept, for want of a standard one.
CONCEPTS = {
    "SUVmax": (DCM.Suvbw, SCT.Maximum),
    "SUVmean": (DCM.Suvbw, SCT.MeanValueOfPopulation),
    "SUVpeak": (DCM.Suvbw, DCM.PeakValueWithinROI),
    "SUVmin": (DCM.Suvbw, SCT.Minimum),
    "MTV": (DCM.MetabolicVolume, None),
    "LesionGlycolysis": (DCM.Glycolysis, None),
    "Volume": (SCT.VolumeProperty, None),
    "TMTV": (DCM.MetabolicVolume, SCT.Total),
    "TLG": (DCM.TotalLesionGlycolysis, None),
    "LiverSUVmean": (DCM.Suvbw, SCT.MeanValueOfPopulation),
    "LiverSUVsd": (DCM.Suvbw, SCT.StandardDeviation),
    "SULpeak": (SUL, DCM.PeakValueWithinROI),
    "ReferenceSULmean": (SUL, SCT.MeanValueOfPopulation),
    "ReferenceSULsd": (SUL, SCT.StandardDeviation),
}
# SNOMED CT; pydicom's tables lack the two kidneys, whose numbers are those of its browser.
ORGANS = {
    "Brain": SCT.BrainStructure.value,
    "Heart": SCT.HeartStructure.value,
    "Liver": SCT.LiverStructure.value,
    "Spleen": SCT.SplenicStructure.value,
    "LumbarMarrow": SCT.BoneMarrowStructure.value,
    "LeftKidney": "18639004",
    "RightKidney": "9846003",
    "Bladder": SCT.UrinaryBladderStructure.value,
    "BloodPool": "281130003",
}
# CID 42
NO_NUMBER = (DCM.NotANumber, DCM.MeasurementFailure, DCM.MeasurementNotAttempted)
# A DS has 16 characters and our writer gives 7 significant digits.
SR_TOLERANCE = 1e-6
# SUV and its sums are 32-bit floats in our program, 64-bit here.
SUV_TOLERANCE = 1e-5
# A scanner rounds its positions, most visibly where two beds meet (0.08 mm in sts-001-ge-wb);
# highdicom's own tolerance is 1 %.
SPACING_TOLERANCE = 0.05


def require(condition, message):
    if not condition:
        raise AssertionError(message)


def require_close(actual, expected, tolerance, what):
    require(
        np.isclose(actual, expected, rtol=tolerance, atol=1e-9),
        f"{what}: {actual!r} here, {expected!r} in the JSON",
    )


# --- the series, by PS3.3 alone ---------------------------------------------------------------


def read_series(folder):
    """The slices from the lowest to the highest along the normal of the image plane."""
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir()) if path.is_file()]
    slices = [s for s in slices if s.Modality == "PT"]
    rows, columns = np.reshape(np.array(slices[0].ImageOrientationPatient, float), (2, 3))
    normal = np.cross(rows, columns)
    return sorted(slices, key=lambda s: float(np.dot(normal, s.ImagePositionPatient)))


def moment(date, time):
    text = f"{date}{time}".strip()
    return datetime.strptime(text, "%Y%m%d%H%M%S.%f" if "." in text else "%Y%m%d%H%M%S")


def suv_factor(slices):
    """SUVbw in g/ml of one Bq/ml: body weight in g over the activity left at the time that the
    pixels are decay corrected to (C.8.9.1.1.7: START is the start of the acquisition)."""
    first = slices[0]
    dose = first.RadiopharmaceuticalInformationSequence[0]
    require(first.Units == "BQML" and first.DecayCorrection == "START", "not a case for this check")
    series_start = moment(first.SeriesDate, first.SeriesTime)
    acquired = min(moment(s.AcquisitionDate, s.AcquisitionTime) for s in slices)
    # A series time after the acquisition is that of a later reconstruction.
    corrected_to = series_start if series_start <= acquired else acquired
    if dose.get("RadiopharmaceuticalStartDateTime"):
        text = str(dose.RadiopharmaceuticalStartDateTime)
        injected = moment(text[:8], text[8:])
    else:
        injected = moment(first.SeriesDate, dose.RadiopharmaceuticalStartTime)
    decay_seconds = (corrected_to - injected).total_seconds()
    left_bq = float(dose.RadionuclideTotalDose) * 2 ** (
        -decay_seconds / float(dose.RadionuclideHalfLife)
    )
    return 1000 * float(first.PatientWeight) / left_bq


def suv_volume(slices):
    """SUVbw as [slice, row, column]."""
    rescaled = [
        s.pixel_array.astype(float) * float(s.RescaleSlope) + float(s.RescaleIntercept)
        for s in slices
    ]
    return np.stack(rescaled) * suv_factor(slices)


def voxel_volume_ml(slices):
    """By the mean distance of the slices, whose positions a scanner rounds."""
    spacing = np.array(slices[0].PixelSpacing, float)
    ends = [np.array(s.ImagePositionPatient, float) for s in (slices[0], slices[-1])]
    return spacing.prod() * np.linalg.norm(ends[1] - ends[0]) / (len(slices) - 1) / 1000


# --- content items ----------------------------------------------------------------------------


def items(dataset):
    """All content items below a data set, itself not included."""
    for item in dataset.get("ContentSequence", []):
        yield item
        yield from items(item)


def value_of(code):
    """A code of more than 16 characters is a Long Code Value (PS3.3 8.1)."""
    return code.get("CodeValue") or code.get("LongCodeValue")


def code_of(item, keyword="ConceptNameCodeSequence"):
    sequence = item.get(keyword)
    return (sequence[0].CodingSchemeDesignator, value_of(sequence[0])) if sequence else None


def key(code):
    return (code.scheme_designator, code.value)


def children_named(item, code):
    return [child for child in item.get("ContentSequence", []) if code_of(child) == key(code)]


def all_codes(dataset):
    """(scheme, value, meaning) of every code anywhere in a data set."""
    for element in dataset:
        if element.VR != "SQ":
            continue
        for item in element.value:
            if value_of(item) and "CodingSchemeDesignator" in item:
                yield item.CodingSchemeDesignator, value_of(item), item.CodeMeaning
            yield from all_codes(item)


# --- one study --------------------------------------------------------------------------------


class Case:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.assessment = json.loads((self.folder / "assessment.json").read_text())
        self.suv = json.loads((self.folder / "suv.json").read_text())
        self.suv_exit = int((self.folder / "suv.exit").read_text())
        self.slices = read_series(self.folder / "PT")
        self.sr = pydicom.dcmread(self.folder / "sr.dcm")
        self.refused = self.assessment["status"] == "refused"
        if not self.refused:
            self.volume = suv_volume(self.slices)
            self.seg = hd.seg.segread(self.folder / "seg.dcm")
            # [slice, row, column, segment], on the grid of the series
            self.masks = self.seg.get_pixels_by_source_instance(
                [s.SOPInstanceUID for s in self.slices],
                ignore_spatial_locations=False,
                assert_missing_frames_are_empty=True,
            ).astype(bool)

    def measurements(self):
        """Every measurement of the JSON, with a name for messages."""
        for region in self.assessment["regions"]:
            for measurement in region["measurements"]:
                yield f"{region['name']} {measurement['quantity']}", measurement
        for measurement in self.assessment["wholeBody"]:
            yield f"whole body {measurement['quantity']}", measurement
        if self.percist():
            for measurement in self.percist()["numbers"]:
                yield f"PERCIST {measurement['quantity']}", measurement
        if self.comparison():
            for measurement in self.comparison()["changes"]:
                yield f"comparison {measurement['quantity']}", measurement

    def percist(self):
        """The PERCIST reading, or None where there is none or it was refused."""
        reading = self.assessment.get("percist")
        return reading if reading and "refusal" not in reading else None

    def percist_refusal(self):
        return (self.assessment.get("percist") or {}).get("refusal")

    def comparison(self):
        return self.assessment.get("comparison")

    def categories(self):
        """(name of the concept, Observation UID, category or refusal) of the comparison."""
        c = self.comparison()
        if not c:
            return []
        return [
            ("PercistResponse", c["percistUid"], c["percist"]),
            ("iPercistResponse", c["iPercistUid"], c["iPercist"]),
        ]

    def sr_results(self, value_type):
        """The SR's items of this value type that have an Observation UID, by it."""
        return {
            item.ObservationUID: item
            for item in items(self.sr)
            if item.ValueType == value_type and "ObservationUID" in item
        }

    def highdicom_report(self):
        return hd.sr.srread(self.folder / "sr.dcm").content

    def refusals(self):
        """Every measurement and prediction of the JSON that was refused, with its name."""
        results = list(self.measurements())
        results += [(p["title"], p) for p in self.assessment["predictions"]]
        results += [(name, {"observationUid": uid, **c}) for name, uid, c in self.categories()]
        return [(name, result) for name, result in results if "refusal" in result]


def number_of(item):
    return float(item.MeasuredValueSequence[0].NumericValue)


# --- checks of `fedpet suv` -------------------------------------------------------------------


def suv_agrees(case):
    """fedpet suv agrees with numpy: factor, minimum, median and maximum of the voxels above 0"""
    require(case.suv["status"] == "ok" and case.suv_exit == 0, f"it said {case.suv}")
    factor = suv_factor(case.slices)
    for bound in case.suv["suvBwFactor"]:
        require_close(bound, factor, SUV_TOLERANCE, "factor")
    positive = case.volume[case.volume > 0]
    for name, value in (
        ("suvMin", positive.min()),
        ("suvMedian", np.median(positive)),
        ("suvMax", positive.max()),
    ):
        require_close(value, case.suv[name], SUV_TOLERANCE, name)


def suv_refuses(case):
    """fedpet suv refuses too, with the reasons of the assessment and exit code 3"""
    require(case.suv["status"] == "refused" and case.suv_exit == 3, f"it said {case.suv}")
    expected = {refusal["code"] for refusal in case.assessment["refusals"]}
    said = json.dumps(case.suv["reasons"])
    require(all(code in said for code in expected), f"{sorted(expected)} are not in {said}")


# --- checks of the SR -------------------------------------------------------------------------


def sr_has_every_measurement(case):
    """pydicom: the SR has every measurement under its Observation UID, value and unit alike"""
    numbers = case.sr_results("NUM")
    for name, expected in case.measurements():
        if "value" not in expected:
            continue
        require(expected["observationUid"] in numbers, f"{name} is not in the SR")
        item = numbers[expected["observationUid"]]
        require(len(item.MeasuredValueSequence) == 1, f"{name} has no value in the SR")
        require_close(number_of(item), expected["value"], SR_TOLERANCE, name)
        unit = item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]
        require(
            (unit.CodingSchemeDesignator, value_of(unit)) == ("UCUM", expected["unit"]),
            f"{name}: unit {value_of(unit)}, expected {expected['unit']}",
        )
    known = {m["observationUid"] for _, m in case.measurements()}
    known |= {p["observationUid"] for p in case.assessment["predictions"]}
    require(set(numbers) <= known, "the SR has numbers that the JSON lacks")


def sr_gives_reasons(case):
    """pydicom: a number or prediction that was refused is a code instead, and has its reason"""
    instead = case.sr_results("CODE")
    for name, expected in case.refusals():
        require(expected["observationUid"] in instead, f"{name} is not in the SR")
        item = instead[expected["observationUid"]]
        require(code_of(item, "ConceptCodeSequence")[0] == "DCM", f"{name}: no code of CID 42")
        reasons = [value_of(c.ConceptCodeSequence[0]) for c in items(item) if c.ValueType == "CODE"]
        require(expected["refusal"]["code"] in reasons, f"{name}: reasons {reasons}")
    refused = {result["observationUid"] for _, result in case.refusals()}
    given = {uid for _, uid, category in case.categories() if "refusal" not in category}
    require(set(instead) == refused | given, "the SR refuses other numbers than the JSON")


def sr_has_predictions(case):
    """pydicom: the SR has every prediction, its interval and horizon"""
    for expected in case.assessment["predictions"]:
        group = next(
            (
                item
                for item in items(case.sr)
                if code_of(item) == key(DCM.MeasurementGroup)
                and any(
                    child.get("ObservationUID") == expected["observationUid"]
                    for child in item.ContentSequence
                )
            ),
            None,
        )
        require(group is not None, f"{expected['title']} is not in the SR")
        found = {
            code_of(child)[1]: number_of(child)
            for child in group.ContentSequence
            if child.ValueType == "NUM"
        }
        require_close(found["PredHorizon"], expected["horizonMonths"], SR_TOLERANCE, "horizon")
        if "probability" in expected:
            for concept, name in (
                ("PredProbability", "probability"),
                ("IntervalLower", "lower"),
                ("IntervalUpper", "upper"),
            ):
                require_close(found[concept], expected[name], SR_TOLERANCE, name)


def codes_mean_what_they_say(case):
    """pydicom: every DCM code of SR and SEG is in PS3.16 with the meaning that we give it"""
    defined = {
        value: meaning
        for versions in pydicom_concepts["DCM"].values()
        for value, (meaning, _) in versions.items()
    }
    used = set()
    for result in [case.sr] if case.refused else [case.sr, case.seg]:
        ours = copy(result)
        # Repeated as the source has it, whose de-identifier may have used older meanings.
        ours.pop("DeidentificationMethodCodeSequence", None)
        used |= set(all_codes(ours))
    for scheme, value, meaning in used:
        if scheme == "DCM":
            require(defined.get(value) == meaning, f"{value} {meaning!r}: {defined.get(value)!r}")


def private_codes_are_declared(case):
    """pydicom: every private coding scheme (99...) of the SR is declared in it"""
    # 99SDM counts as private too: that old name of SRT left the standard, and what a scanner still
    # writes under it has SNOMED CT codes today.
    declared = {item.CodingSchemeDesignator for item in case.sr.CodingSchemeIdentificationSequence}
    used = {scheme for scheme, _, _ in all_codes(case.sr) if scheme.startswith("99")}
    require(used <= declared, f"{used} used, {declared} declared")


def sr_lists_its_evidence(case):
    """pydicom: what the SR refers to is exactly what it lists as evidence (PS3.3 C.17.2.3)"""
    referenced = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in items(case.sr)
        if item.ValueType in ("IMAGE", "COMPOSITE")
    }
    evidence = list(case.sr.CurrentRequestedProcedureEvidenceSequence)
    evidence += case.sr.get("PertinentOtherEvidenceSequence", [])
    listed = {
        instance.ReferencedSOPInstanceUID
        for study in evidence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    require(referenced == listed, f"{len(referenced)} referenced, {len(listed)} listed")
    source = {s.SOPInstanceUID for s in case.slices}
    require(source <= referenced, "the image library misses slices of the series")


def results_join_the_study(case):
    """pydicom: SR and SEG are in the study of the series, unverified and of the same patient"""
    source = case.slices[0]
    for result in [case.sr] if case.refused else [case.sr, case.seg]:
        for keyword in ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID"):
            require(
                str(result.get(keyword, "")) == str(source.get(keyword, "")),
                f"{keyword} of the {result.Modality} differs",
            )
        require(result.SeriesInstanceUID != source.SeriesInstanceUID, "the series is not its own")
    require(case.sr.VerificationFlag == "UNVERIFIED", "a device cannot verify")
    require(case.sr.PreliminaryFlag == "PRELIMINARY", "not marked as preliminary")


def highdicom_finds_refusals(case):
    """highdicom: each refused number is a qualitative evaluation of its measurement group"""
    report = case.highdicom_report()
    groups = report.get_volumetric_roi_measurement_groups() + report.get_image_measurement_groups()
    found = [
        evaluation[0].name.meaning
        for group in groups
        for evaluation in group.get_qualitative_evaluations()
        if evaluation[0].value in NO_NUMBER
    ]
    expected = len(case.refusals()) + (case.percist_refusal() is not None)
    require(len(found) == expected, f"{found}, expected {expected}")


def highdicom_finds_regions(case):
    """highdicom: each region is a measurement group with its segment, site and numbers"""
    report = case.highdicom_report()
    groups = report.get_volumetric_roi_measurement_groups()
    regions = case.assessment["regions"]
    require(len(groups) == len(regions), f"{len(groups)} groups, {len(regions)} regions")
    for number, region in enumerate(regions, start=1):
        (group,) = report.get_volumetric_roi_measurement_groups(tracking_uid=region["trackingUid"])
        name = region["name"]
        require(group.tracking_identifier == region["trackingId"], f"{name}: tracking identifier")
        finding = SCT.Lesion if region["role"] == "Lesion" else SCT.BodyOrganStructure
        require(group.finding_type.value == finding.value, f"{name}: {group.finding_type.meaning}")
        sites = [site.value.value for site in group.finding_sites]
        expected_sites = [ORGANS[region["organ"]]] if region.get("organ") else []
        require(sites == expected_sites, f"{name}: sites {sites}, expected {expected_sites}")
        (segment,) = children_named(group[0], DCM.ReferencedSegment)
        reference = segment.ReferencedSOPSequence[0]
        require(
            (reference.ReferencedSOPInstanceUID, int(reference.ReferencedSegmentNumber))
            == (case.seg.SOPInstanceUID, number),
            f"{name}: refers to another segment",
        )
        find_by_concept(group, region["measurements"], name)


def find_by_concept(group, measurements, name):
    """Looks for numbers as a reader does who knows PS3.16 and not us."""
    for expected in measurements:
        if expected["quantity"] not in CONCEPTS or "value" not in expected:
            continue
        concept, derivation = CONCEPTS[expected["quantity"]]
        found = [
            m.value
            for m in group.get_measurements(name=concept)
            if (m.derivation.value if m.derivation else None)
            == (derivation.value if derivation else None)
        ]
        what = f"{name} {expected['quantity']}"
        require(len(found) == 1, f"{what}: {len(found)} numbers under its concept")
        require_close(found[0], expected["value"], SR_TOLERANCE, what)


def highdicom_finds_whole_body(case):
    """highdicom: the whole-body numbers are found by their concepts"""
    groups = case.highdicom_report().get_image_measurement_groups()
    by_name = {group.tracking_identifier: group for group in groups}
    tumour = ("TMTV", "TLG", "SUVmax", "SUVpeak")
    whole_body = case.assessment["wholeBody"]
    find_by_concept(
        by_name["Whole-body tumour burden"],
        [m for m in whole_body if m["quantity"] in tumour],
        "whole body",
    )
    find_by_concept(
        by_name["Reference regions and immune ratios"],
        [m for m in whole_body if m["quantity"].startswith("Liver")],
        "reference",
    )


def group_of(case, tracking_identifier):
    groups = case.highdicom_report().get_image_measurement_groups()
    (group,) = [g for g in groups if (g.tracking_identifier or "").startswith(tracking_identifier)]
    return group


def coded_evaluations(group):
    """{concept: value} of the group's CODE evaluations."""
    return {
        evaluation[0].name.value: evaluation[0].value.value
        for evaluation in group.get_qualitative_evaluations()
        if evaluation[0].ValueType == "CODE"
    }


def texts_of(dataset, concept):
    return [item.TextValue for item in items(dataset)
            if item.ValueType == "TEXT" and code_of(item) == ("99FEDPET", concept)]


def highdicom_finds_percist(case):
    """highdicom: the PERCIST reading is a group with its reference region as finding site"""
    group = group_of(case, "PERCIST 1.0")
    said = coded_evaluations(group)
    reading = case.percist()
    if not reading:
        require(said["Measurable"] in [code.value for code in NO_NUMBER], f"it says {said}")
        reasons = [value_of(i.ConceptCodeSequence[0]) for i in items(group[0])
                   if i.ValueType == "CODE"]
        require(case.percist_refusal()["code"] in reasons, f"reasons {reasons}")
        return
    sites = [site.value.value for site in group.finding_sites]
    require(sites == [ORGANS[reading["reference"]]], f"sites {sites}")
    find_by_concept(group, reading["numbers"], "PERCIST")
    expected = SCT.Yes if reading["measurable"] else SCT.No
    require(said["Measurable"] == expected.value, f"measurable: {said}")
    uids = [i.UID for i in items(group[0]) if i.ValueType == "UIDREF"]
    hottest = reading["hottestTrackingUid"]
    require(not hottest or hottest in uids, "the hottest lesion is not named")


def highdicom_finds_comparison(case):
    """highdicom: categories, changes, reasons and resolved lesions are in the comparison's group"""
    comparison = case.comparison()
    group = group_of(case, "Comparison with ")
    said = coded_evaluations(group)
    for name, _, category in case.categories():
        if "refusal" in category:
            require(said[name] in [code.value for code in NO_NUMBER], f"{name}: {said[name]}")
        else:
            require(said[name] == category["category"], f"{name}: {said[name]}")
    reasons = texts_of(group[0], "ResponseReason")
    require(reasons == comparison["reasons"], f"reasons {reasons}")
    resolved = {c["trackingUid"] for c in comparison["lesions"] if c["fate"] == "Resolved"}
    named = {i.UID for i in items(group[0]) if i.ValueType == "UIDREF"}
    require(resolved <= named, f"resolved lesions {resolved - named} are not named")


def highdicom_finds_fates(case):
    """highdicom: each lesion that the comparison speaks of has its fate in its own group"""
    report = case.highdicom_report()
    for change in case.comparison()["lesions"]:
        if change["fate"] == "Resolved":
            continue
        (group,) = report.get_volumetric_roi_measurement_groups(tracking_uid=change["trackingUid"])
        said = coded_evaluations(group).get("LesionFate")
        require(said == change["fate"], f"{change['trackingId']}: {said}")


def sr_refers_to_the_earlier_report(case):
    """pydicom: the earlier report is evidence of another study, and referred to"""
    earlier = case.comparison()["earlier"]
    found = [
        (study.StudyInstanceUID, series.SeriesInstanceUID, instance.ReferencedSOPInstanceUID)
        for study in case.sr.get("PertinentOtherEvidenceSequence", [])
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    ]
    keys = ("studyInstanceUid", "seriesInstanceUid", "srSopInstanceUid")
    # A report whose SOP class is not known cannot be referred to.
    expected = [tuple(earlier[key] for key in keys)] if earlier.get("srSopClassUid") else []
    require(found == expected, f"{found}, expected {expected}")


def sr_states_the_harmonisation(case):
    """pydicom: what was done between scanners stands in the report"""
    statement = case.assessment["harmonisation"]["statement"]
    require(texts_of(case.sr, "Harmonisation") == [statement], "it does not")


def refused_sr_says_why(case):
    """pydicom: the SR of the refused study says why and holds no result"""
    said = {value_of(item.ConceptCodeSequence[0]) for item in items(case.sr)
            if item.ValueType == "CODE"}
    expected = {refusal["code"] for refusal in case.assessment["refusals"]}
    require(expected and expected <= said, f"{sorted(expected)} expected")
    require(not case.sr_results("NUM"), "it holds numbers")
    require(not (case.folder / "seg.dcm").exists(), "there is a SEG")


def highdicom_reads_refused(case):
    """highdicom: the SR of the refused study opens and has no measurement group"""
    report = hd.sr.srread(case.folder / "sr.dcm").content
    require(not report.get_volumetric_roi_measurement_groups(), "it has regions")
    require(not report.get_image_measurement_groups(), "it has whole-body numbers")


# --- checks of the SEG ------------------------------------------------------------------------


def seg_has_every_region(case):
    """highdicom: the SEG has one segment a region, with the tracking UID of the SR"""
    regions = case.assessment["regions"]
    require(case.seg.number_of_segments == len(regions), "another number of segments")
    for number, region in enumerate(regions, start=1):
        segment = case.seg.get_segment_description(number)
        require(
            (segment.tracking_id, segment.tracking_uid)
            == (region["trackingId"], region["trackingUid"]),
            f"segment {number} is {segment.tracking_id}, expected {region['trackingId']}",
        )
        require(segment.segment_label == region["name"], f"segment {number}: label")
        if region["role"] != "Lesion":
            code = segment.segmented_property_type.value
            require(code == ORGANS[region["organ"]], f"segment {number}: property type {code}")


def seg_lies_on_the_series(case):
    """highdicom: every frame of the SEG lies on a slice of the series and refers to it"""
    by_uid = {s.SOPInstanceUID: s for s in case.slices}
    require(
        case.seg.FrameOfReferenceUID == case.slices[0].FrameOfReferenceUID, "frame of reference"
    )
    shared = case.seg.SharedFunctionalGroupsSequence[0]
    orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    for frame in case.seg.PerFrameFunctionalGroupsSequence:
        image = frame.DerivationImageSequence[0].SourceImageSequence[0]
        source = by_uid[image.ReferencedSOPInstanceUID]
        for name, ours, theirs in (
            ("position", frame.PlanePositionSequence[0].ImagePositionPatient,
             source.ImagePositionPatient),
            ("orientation", orientation, source.ImageOrientationPatient),
            ("pixel spacing", spacing, source.PixelSpacing),
        ):
            require(np.allclose(ours, theirs, atol=1e-4), f"{name}: {ours}, source {theirs}")
    require((case.seg.Rows, case.seg.Columns) == case.volume.shape[1:], "rows and columns")


def seg_makes_a_volume(case):
    """highdicom: get_volume puts the voxels where the series has them"""
    volume = case.seg.get_volume(rtol=SPACING_TOLERANCE)
    require(
        np.array_equal(volume.array.sum(axis=(0, 1, 2)), case.masks.sum(axis=(0, 1, 2))),
        "other voxel counts than frame by frame",
    )
    for number, region in enumerate(case.assessment["regions"], start=1):
        index = np.argwhere(volume.array[..., number - 1])
        centroid = (volume.affine @ np.append(index.mean(axis=0), 1))[:3]
        # A tenth of a millimetre: the volume is regular, the scanner's slices not quite.
        require(
            np.allclose(centroid, region["centroidMm"], atol=0.1),
            f"{region['name']}: centroid {centroid}, expected {region['centroidMm']}",
        )


def seg_volumes_agree(case):
    """highdicom and numpy: voxel counts x voxel volume are the volumes of the JSON"""
    millilitres = case.masks.sum(axis=(0, 1, 2)) * voxel_volume_ml(case.slices)
    tumour = 0.0
    for region, volume in zip(case.assessment["regions"], millilitres, strict=True):
        given = {m["quantity"]: m["value"] for m in region["measurements"] if "value" in m}
        name = "MTV" if region["role"] == "Lesion" else "Volume"
        require_close(volume, given[name], SUV_TOLERANCE, f"{region['name']} {name}")
        tumour += volume if region["role"] == "Lesion" else 0
    whole = {m["quantity"]: m["value"] for m in case.assessment["wholeBody"] if "value" in m}
    require_close(tumour, whole["TMTV"], SUV_TOLERANCE, "TMTV")


def regions_statistics_agree(case):
    """highdicom and numpy: SUVmax, SUVmean, SUVmin and glycolysis below each segment agree"""
    voxel_ml = voxel_volume_ml(case.slices)
    total = 0.0
    for index, region in enumerate(case.assessment["regions"]):
        suv = case.volume[case.masks[..., index]]
        here = {
            "SUVmax": suv.max(),
            "SUVmean": suv.mean(),
            "SUVmin": suv.min(),
            "LesionGlycolysis": suv.sum() * voxel_ml,
        }
        for m in region["measurements"]:
            if m["quantity"] in here and "value" in m:
                what = f"{region['name']} {m['quantity']}"
                require_close(here[m["quantity"]], m["value"], SUV_TOLERANCE, what)
        total += here["LesionGlycolysis"] if region["role"] == "Lesion" else 0
    whole = {m["quantity"]: m["value"] for m in case.assessment["wholeBody"] if "value" in m}
    require_close(total, whole["TLG"], SUV_TOLERANCE, "TLG")


def lesion_distance_agrees(case):
    """highdicom and numpy: Dmax is the largest distance of two lesions' centroids"""
    origin = np.array([s.ImagePositionPatient for s in case.slices], float)
    row_mm, column_mm = np.array(case.slices[0].PixelSpacing, float)
    along_row, along_column = np.reshape(
        np.array(case.slices[0].ImageOrientationPatient, float), (2, 3)
    )
    centroids = []
    for index, region in enumerate(case.assessment["regions"]):
        if region["role"] != "Lesion":
            continue
        k, j, i = np.argwhere(case.masks[..., index]).T
        points = (
            origin[k]
            + np.outer(i * column_mm, along_row)
            + np.outer(j * row_mm, along_column)
        )
        centroids.append(points.mean(axis=0))
    points = np.array(centroids)
    distances = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
    (dmax,) = (m for m in case.assessment["wholeBody"] if m["quantity"] == "Dmax")
    # A tenth of a millimetre: our grid is regular, the scanner's slices not quite.
    require(abs(distances.max() - dmax["value"]) < 0.1, f"{distances.max()} and {dmax['value']}")


# --- what others wrote, read by us --------------------------------------------------------------


class Peers:
    def __init__(self, fedpet, folder):
        self.fedpet, self.folder = fedpet, Path(folder)

    def json(self, *arguments):
        done = subprocess.run([self.fedpet, *map(str, arguments), "--json"], capture_output=True,
                              text=True, check=False)
        require(done.returncode == 0, f"fedpet {arguments[0]}: {done.stderr.strip()}")
        return json.loads(done.stdout)


PEER_SEGMENTATIONS = (
    "dcmqi-seg/liver.dcm",
    "dcmqi-seg/partial_overlaps.dcm",
    "dcmqi-seg/sparse-labelmap-noppv.dcm",
    "dcmqi-seg/sparse-labelmap-ppv5.dcm",
    "dcmqi-iowa-qin-hn-0003/seg.dcm",
    "highdicom-seg_ct_fractional.dcm",
)


def voxels_by_segment(seg):
    """Voxels of each segment by pydicom's decoder; fractional ones from one half on."""
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    if seg.SegmentationType == "LABELMAP":
        background = {0, seg.get("PixelPaddingValue", 0)}
        return {int(n): int((frames == n).sum()) for n in np.unique(frames) if n not in background}
    shared = seg.SharedFunctionalGroupsSequence[0]
    least = 1 if seg.SegmentationType == "BINARY" else seg.MaximumFractionalValue / 2
    voxels = {}
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        own = groups if "SegmentIdentificationSequence" in groups else shared
        number = own.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        voxels[number] = voxels.get(number, 0) + int((frame >= least).sum())
    return voxels


def fedpet_counts_voxels(peers):
    """fedpet and pydicom count the same voxels in every segment of dcmqi's and highdicom's SEG"""
    for name in PEER_SEGMENTATIONS:
        path = peers.folder / name
        seg = pydicom.dcmread(path)
        measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        apart = measures.get("SpacingBetweenSlices", measures.get("SliceThickness"))
        voxel_ml = float(np.prod(np.array(measures.PixelSpacing, float)) * float(apart)) / 1000
        for number, voxels in voxels_by_segment(seg).items():
            ours = peers.json("compare-seg", path, path, "--ref-segments", number,
                              "--test-segments", number)
            require_close(ours["referenceMl"] / voxel_ml, voxels, 1e-6, f"{name} {number}")


PEER_REPORTS = (
    "highdicom-sr_document_with_multiple_groups.dcm",
    "dcmqi-iowa-qin-hn-0003/sr.dcm",
)


def fedpet_reads_groups(peers):
    """fedpet and highdicom find the same groups and numbers in highdicom's and dcmqi's SR"""
    for name in PEER_REPORTS:
        shown = peers.json("sr", "show", peers.folder / name)["groups"]
        ours = {group["trackingId"]: group for group in shown}
        report = hd.sr.srread(peers.folder / name).content
        groups = (
            report.get_image_measurement_groups()
            + report.get_planar_roi_measurement_groups()
            + report.get_volumetric_roi_measurement_groups()
        )
        require(len(groups) == len(shown), f"{len(shown)} groups, highdicom {len(groups)}")
        for group in groups:
            numbers = ours[group.tracking_identifier]["numbers"]
            found = [(n["name"]["value"], n["value"], n["unit"]["value"]) for n in numbers]
            theirs = [(m.name.value, float(m.value), m.unit.value)
                      for m in group.get_measurements()]
            require(found == theirs, f"{group.tracking_identifier}: {found}, highdicom {theirs}")


# --- running them -----------------------------------------------------------------------------

ALWAYS = [
    codes_mean_what_they_say,
    private_codes_are_declared,
    sr_lists_its_evidence,
    results_join_the_study,
]
ASSESSED = [
    suv_agrees,
    *ALWAYS,
    sr_has_every_measurement,
    sr_gives_reasons,
    sr_has_predictions,
    highdicom_finds_refusals,
    highdicom_finds_regions,
    highdicom_finds_whole_body,
    seg_has_every_region,
    seg_lies_on_the_series,
    seg_makes_a_volume,
    seg_volumes_agree,
    regions_statistics_agree,
    lesion_distance_agrees,
]
FOLLOW_UP = [
    highdicom_finds_comparison,
    highdicom_finds_fates,
    sr_refers_to_the_earlier_report,
]
REFUSED = [suv_refuses, *ALWAYS, refused_sr_says_why, highdicom_reads_refused]


def run(check, case, name):
    what = f"{name}: {check.__doc__}"
    try:
        check(case)
    except AssertionError as difference:
        print(f"FAILED  {what}\n          {difference}")
    except Exception as error:  # a peer that throws disagrees, whatever it throws
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"FAILED  {what}\n          {type(error).__name__}: {error} "
              f"({Path(where.filename).name}, line {where.lineno})")
    else:
        print(f"passed  {what}")


def checks_of(case):
    if case.refused:
        return REFUSED
    checks = list(ASSESSED)
    if case.percist() or case.percist_refusal():
        checks.append(highdicom_finds_percist)
    if case.comparison():
        checks += FOLLOW_UP
    if case.assessment.get("harmonisation"):
        checks.append(sr_states_the_harmonisation)
    return checks


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fedpet")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    for argument in options.cases:
        name, folder = argument.split("=", 1)
        try:
            case = Case(folder)
        except Exception as error:
            print(f"FAILED  {name}: the results can be opened")
            print(f"          {type(error).__name__}: {error}")
            continue
        for check in checks_of(case):
            run(check, case, name)
    if options.fedpet and options.peers and options.peers.is_dir():
        peers = Peers(options.fedpet, options.peers)
        for check in (fedpet_counts_voxels, fedpet_reads_groups):
            run(check, peers, "peers")


if __name__ == "__main__":
    main()
