// Codes that only DICOM objects need. Those that the SR shares with FHIR are in clinical/Concepts.h.
// Source: PS3.16 (context groups and annex D), checked against DCMTK's and PixelMed's tables.
#pragma once

#include "clinical/Concepts.h"

namespace fedpet::dicom::codes {

#define FEDPET_CODE(function, value, scheme, meaning) \
  inline Code function() { return {value, scheme, meaning}; }

// Document and template structure (TID 1500 and those that it includes)
FEDPET_CODE(petMeasurementReport, "126003", "DCM", "PET Measurement Report")  // CID 7021
FEDPET_CODE(language, "121049", "DCM", "Language of Content Item and Descendants")
FEDPET_CODE(english, "eng", "RFC5646", "English")
FEDPET_CODE(observerType, "121005", "DCM", "Observer Type")
FEDPET_CODE(device, "121007", "DCM", "Device")
FEDPET_CODE(deviceObserverUid, "121012", "DCM", "Device Observer UID")
FEDPET_CODE(deviceObserverName, "121013", "DCM", "Device Observer Name")
FEDPET_CODE(deviceObserverManufacturer, "121014", "DCM", "Device Observer Manufacturer")
FEDPET_CODE(deviceObserverModelName, "121015", "DCM", "Device Observer Model Name")
FEDPET_CODE(procedureReported, "121058", "DCM", "Procedure reported")
FEDPET_CODE(petWholeBody, "44139-4", "LN", "PET whole body")  // CID 100
FEDPET_CODE(imagingMeasurements, "126010", "DCM", "Imaging Measurements")
FEDPET_CODE(measurementGroup, "125007", "DCM", "Measurement Group")
FEDPET_CODE(qualitativeEvaluations, "C0034375", "UMLS", "Qualitative Evaluations")
FEDPET_CODE(trackingIdentifier, "112039", "DCM", "Tracking Identifier")
FEDPET_CODE(trackingUniqueIdentifier, "112040", "DCM", "Tracking Unique Identifier")
FEDPET_CODE(finding, "121071", "DCM", "Finding")
FEDPET_CODE(findingSite, "363698007", "SCT", "Finding Site")
FEDPET_CODE(referencedSegment, "121191", "DCM", "Referenced Segment")
FEDPET_CODE(sourceSeriesForSegmentation, "121232", "DCM", "Source series for segmentation")
FEDPET_CODE(measurementMethod, "370129005", "SCT", "Measurement Method")
FEDPET_CODE(derivation, "121401", "DCM", "Derivation")
FEDPET_CODE(equivalentMeaning, "121050", "DCM", "Equivalent Meaning of Concept Name")
FEDPET_CODE(certaintyOfFinding, "111012", "DCM", "Certainty of Finding")
FEDPET_CODE(algorithmName, "111001", "DCM", "Algorithm Name")  // TID 4019
FEDPET_CODE(algorithmParameters, "111002", "DCM", "Algorithm Parameters")
FEDPET_CODE(algorithmVersion, "111003", "DCM", "Algorithm Version")

FEDPET_CODE(comment, "121106", "DCM", "Comment")
FEDPET_CODE(priorReport, "122075", "DCM", "Prior report for current patient")  // CID 7003
FEDPET_CODE(yes, "373066001", "SCT", "Yes")  // CID 230
FEDPET_CODE(no, "373067005", "SCT", "No")

// Parts that only other people's reports have (TID 1410, 1411, 1501)
FEDPET_CODE(imagingMeasurementReport, "126000", "DCM", "Imaging Measurement Report")
FEDPET_CODE(derivedImagingMeasurements, "126011", "DCM", "Derived Imaging Measurements")
FEDPET_CODE(findingCategory, "276214006", "SCT", "Finding category")
FEDPET_CODE(activitySession, "C67447", "NCIt", "Activity Session")
FEDPET_CODE(timePoint, "C2348792", "UMLS", "Time Point")
FEDPET_CODE(personObserverName, "121008", "DCM", "Person Observer Name")
FEDPET_CODE(imageRegion, "111030", "DCM", "Image Region")
FEDPET_CODE(volumeSurface, "121231", "DCM", "Volume Surface")
FEDPET_CODE(referencedSegmentationFrame, "121214", "DCM", "Referenced Segmentation Frame")
FEDPET_CODE(sourceImageForSegmentation, "121233", "DCM", "Source image for segmentation")
FEDPET_CODE(sourceOfMeasurement, "121112", "DCM", "Source of Measurement")
FEDPET_CODE(source, "260753009", "SCT", "Source")
FEDPET_CODE(realWorldValueMap, "126100", "DCM", "Real World Value Map used for measurement")

// Image library (TID 1600, 1602, 1604, 1607)
FEDPET_CODE(imageLibrary, "111028", "DCM", "Image Library")
FEDPET_CODE(imageLibraryGroup, "126200", "DCM", "Image Library Group")
FEDPET_CODE(modality, "121139", "DCM", "Modality")
FEDPET_CODE(positronEmissionTomography, "PT", "DCM", "Positron emission tomography")
FEDPET_CODE(studyDate, "111060", "DCM", "Study Date")
FEDPET_CODE(studyTime, "111061", "DCM", "Study Time")
FEDPET_CODE(acquisitionDate, "126201", "DCM", "Acquisition Date")
FEDPET_CODE(acquisitionTime, "126202", "DCM", "Acquisition Time")
FEDPET_CODE(deviceManufacturer, "113878", "DCM", "Device Manufacturer")  // as in TID 1021
FEDPET_CODE(deviceModelName, "113879", "DCM", "Device Model Name")
FEDPET_CODE(frameOfReferenceUid, "112227", "DCM", "Frame of Reference UID")
FEDPET_CODE(pixelDataRows, "110910", "DCM", "Pixel Data Rows")
FEDPET_CODE(pixelDataColumns, "110911", "DCM", "Pixel Data Columns")
FEDPET_CODE(horizontalPixelSpacing, "111026", "DCM", "Horizontal Pixel Spacing")
FEDPET_CODE(verticalPixelSpacing, "111066", "DCM", "Vertical Pixel Spacing")
FEDPET_CODE(spacingBetweenSlices, "112226", "DCM", "Spacing between slices")
FEDPET_CODE(radionuclide, "89457008", "SCT", "Radionuclide")
FEDPET_CODE(radiopharmaceuticalAgent, "417881006", "SCT", "Radiopharmaceutical agent")
FEDPET_CODE(halfLife, "304283002", "SCT", "Half-life of radiopharmaceutical")
FEDPET_CODE(radiopharmaceuticalStart, "123003", "DCM", "Radiopharmaceutical Start DateTime")
FEDPET_CODE(radionuclideTotalDose, "123006", "DCM", "Radionuclide Total Dose")
FEDPET_CODE(petIncubationTime, "126203", "DCM", "PET Radionuclide Incubation Time")
FEDPET_CODE(fluorine18, "77004003", "SCT", "^18^Fluorine")
FEDPET_CODE(fluorodeoxyglucoseF18, "35321007", "SCT", "Fluorodeoxyglucose F^18^")

// Why a NUM item has no value (CID 42)
FEDPET_CODE(notANumber, "114000", "DCM", "Not a number")
FEDPET_CODE(measurementFailure, "114006", "DCM", "Measurement failure")
FEDPET_CODE(measurementNotAttempted, "114007", "DCM", "Measurement not attempted")

// Findings and segments (CID 7150, 7151)
FEDPET_CODE(lesion, "52988006", "SCT", "Lesion")
FEDPET_CODE(organ, "113343008", "SCT", "Organ")
FEDPET_CODE(neoplasm, "108369006", "SCT", "Neoplasm")
FEDPET_CODE(entireBody, "38266002", "SCT", "Entire body")
FEDPET_CODE(morphologicallyAbnormal, "49755003", "SCT", "Morphologically Abnormal Structure")
FEDPET_CODE(anatomicalStructure, "123037004", "SCT", "Anatomical Structure")
FEDPET_CODE(background, "125040", "DCM", "Background")
FEDPET_CODE(segmentation, "113076", "DCM", "Segmentation")  // CID 7203
FEDPET_CODE(maximumIntensityProjection, "113078", "DCM", "Maximum intensity projection")
FEDPET_CODE(sourceForProcessing, "121322", "DCM",
            "Source image for image processing operation")  // CID 7202

#undef FEDPET_CODE

}  // namespace fedpet::dicom::codes
