"""Compares our radiomic features with those of PyRadiomics or MIRP.

Usage: radiomics_peers.py pyradiomics|mirp NAME=CASE...
A CASE is a folder with image.* and mask.* (NIfTI or NRRD) and what `fedpet radiomics --json --timing`
made of them: pyradiomics.json (in PyRadiomics' conventions), ibsi-3d.json and ibsi-2d.json (in the
IBSI's). The settings below are those of the configurations that run.sh gives to fedpet. Prints a
line for each check: "passed" or "FAILED".
"""

import json
import logging
import math
import sys
import time
import traceback
from pathlib import Path

# The relative difference that is allowed between programs that define a feature alike.
TOLERANCE = 1e-4
BIN_SIZE, IVH_BIN_SIZE, SPACING_MM = 0.25, 0.1, 2.0

MATRIX = {
    "GrayLevelNonUniformity": "glnu",
    "GrayLevelNonUniformityNormalized": "glnu_norm",
    "GrayLevelVariance": "gl_var",
}
RUNS = MATRIX | {
    "ShortRunEmphasis": "sre",
    "LongRunEmphasis": "lre",
    "LowGrayLevelRunEmphasis": "lgre",
    "HighGrayLevelRunEmphasis": "hgre",
    "ShortRunLowGrayLevelEmphasis": "srlge",
    "ShortRunHighGrayLevelEmphasis": "srhge",
    "LongRunLowGrayLevelEmphasis": "lrlge",
    "LongRunHighGrayLevelEmphasis": "lrhge",
    "RunLengthNonUniformity": "rlnu",
    "RunLengthNonUniformityNormalized": "rlnu_norm",
    "RunPercentage": "r_perc",
    "RunVariance": "rl_var",
    "RunEntropy": "rl_entr",
}
ZONES = MATRIX | {
    "SmallAreaEmphasis": "sze",
    "LargeAreaEmphasis": "lze",
    "LowGrayLevelZoneEmphasis": "lgze",
    "HighGrayLevelZoneEmphasis": "hgze",
    "SmallAreaLowGrayLevelEmphasis": "szlge",
    "SmallAreaHighGrayLevelEmphasis": "szhge",
    "LargeAreaLowGrayLevelEmphasis": "lzlge",
    "LargeAreaHighGrayLevelEmphasis": "lzhge",
    "SizeZoneNonUniformity": "zsnu",
    "SizeZoneNonUniformityNormalized": "zsnu_norm",
    "ZonePercentage": "z_perc",
    "ZoneVariance": "zs_var",
    "ZoneEntropy": "zs_entr",
}
DEPENDENCES = {
    "GrayLevelNonUniformity": "glnu",
    "GrayLevelVariance": "gl_var",
    "SmallDependenceEmphasis": "lde",
    "LargeDependenceEmphasis": "hde",
    "LowGrayLevelEmphasis": "lgce",
    "HighGrayLevelEmphasis": "hgce",
    "SmallDependenceLowGrayLevelEmphasis": "ldlge",
    "SmallDependenceHighGrayLevelEmphasis": "ldhge",
    "LargeDependenceLowGrayLevelEmphasis": "hdlge",
    "LargeDependenceHighGrayLevelEmphasis": "hdhge",
    "DependenceNonUniformity": "dcnu",
    "DependenceNonUniformityNormalized": "dcnu_norm",
    "DependenceVariance": "dc_var",
    "DependenceEntropy": "dc_entr",
}
CO_OCCURRENCE = {
    "MaximumProbability": "joint_max",
    "JointAverage": "joint_avg",
    "SumSquares": "joint_var",
    "JointEntropy": "joint_entr",
    "DifferenceAverage": "diff_avg",
    "DifferenceVariance": "diff_var",
    "DifferenceEntropy": "diff_entr",
    "SumAverage": "sum_avg",
    "SumEntropy": "sum_entr",
    "JointEnergy": "energy",
    "Contrast": "contrast",
    "Id": "inv_diff",
    "Idn": "inv_diff_norm",
    "Idm": "inv_diff_mom",
    "Idmn": "inv_diff_mom_norm",
    "InverseVariance": "inv_var",
    "Correlation": "corr",
    "Autocorrelation": "auto_corr",
    "ClusterTendency": "clust_tend",
    "ClusterShade": "clust_shade",
    "ClusterProminence": "clust_prom",
    "Imc1": "info_corr1",
    "Imc2": "info_corr2",
}
OTHERS = {
    "shape_MeshVolume": "morph_volume",
    "shape_VoxelVolume": "morph_vol_approx",
    "shape_SurfaceArea": "morph_area_mesh",
    "shape_SurfaceVolumeRatio": "morph_av",
    "shape_Sphericity": "morph_sphericity",
    "shape_Maximum3DDiameter": "morph_diam",
    "shape_MajorAxisLength": "morph_pca_maj_axis",
    "shape_MinorAxisLength": "morph_pca_min_axis",
    "shape_LeastAxisLength": "morph_pca_least_axis",
    "shape_Elongation": "morph_pca_elongation",
    "shape_Flatness": "morph_pca_flatness",
    "firstorder_Mean": "stat_mean",
    "firstorder_Variance": "stat_var",
    "firstorder_Skewness": "stat_skew",
    "firstorder_Kurtosis": "stat_kurt",
    "firstorder_Median": "stat_median",
    "firstorder_Minimum": "stat_min",
    "firstorder_10Percentile": "stat_p10",
    "firstorder_90Percentile": "stat_p90",
    "firstorder_Maximum": "stat_max",
    "firstorder_InterquartileRange": "stat_iqr",
    "firstorder_Range": "stat_range",
    "firstorder_MeanAbsoluteDeviation": "stat_mad",
    "firstorder_RobustMeanAbsoluteDeviation": "stat_rmad",
    "firstorder_Energy": "stat_energy",
    "firstorder_RootMeanSquared": "stat_rms",
    "firstorder_Entropy": "ih_entropy",
    "firstorder_Uniformity": "ih_uniformity",
    "ngtdm_Coarseness": "ngt_coarseness_3D",
    "ngtdm_Contrast": "ngt_contrast_3D",
    "ngtdm_Busyness": "ngt_busyness_3D",
    "ngtdm_Complexity": "ngt_complexity_3D",
    "ngtdm_Strength": "ngt_strength_3D",
}
PYRADIOMICS = {
    **OTHERS,
    **{f"glcm_{theirs}": f"cm_{ours}_3D_avg" for theirs, ours in CO_OCCURRENCE.items()},
    **{f"glrlm_{theirs}": f"rlm_{ours}_3D_avg" for theirs, ours in RUNS.items()},
    **{f"glszm_{theirs}": f"szm_{ours}_3D" for theirs, ours in ZONES.items()},
    **{f"gldm_{theirs}": f"ngl_{ours}_3D" for theirs, ours in DEPENDENCES.items()},
}
# What MIRP calls an aggregation, and the IBSI's tag for it.
MIRP_AGGREGATIONS = {
    "2d_avg": "2D_avg",
    "2d_s_mrg": "2D_comb",
    "2.5d_d_mrg": "2_5D_avg",
    "2.5d_v_mrg": "2_5D_comb",
    "3d_avg": "3D_avg",
    "3d_v_mrg": "3D_comb",
    "2d": "2D",
    "2.5d": "2_5D",
    "3d": "3D",
}


# Where MIRP's definition is not the manual's, or its arithmetic is coarser than TOLERANCE.
MIRP_DIFFERS = {
    # Of larger regions it takes random samples.
    "morph_moran_i": None,
    "morph_geary_c": None,
    # Its range of the intensity-volume histogram ends a bin later.
    "ivh_v10": None,
    "ivh_v90": None,
    "ivh_diff_v10_v90": None,
    # Lewiner's marching cubes differ from Lorensen's where a cube is ambiguous.
    "morph_volume": 2e-3,
    "morph_area_mesh": 2e-3,
    "morph_av": 2e-3,
    "morph_comp_1": 2e-3,
    "morph_comp_2": 2e-3,
    "morph_sph_dispr": 2e-3,
    "morph_sphericity": 2e-3,
    "morph_asphericity": 2e-2,
    "morph_vol_dens_aabb": 2e-3,
    "morph_area_dens_aabb": 2e-3,
    "morph_vol_dens_aee": 2e-3,
    "morph_area_dens_aee": 2e-3,
    "morph_vol_dens_conv_hull": 2e-3,
    "morph_area_dens_conv_hull": 2e-3,
    "morph_integ_int": 2e-3,
    # Its intensities are 32-bit; these two can cancel to almost nothing.
    "stat_skew": 1e-2,
    "stat_kurt": 1e-2,
}


def find(case, stem):
    return str(next(p for p in Path(case).iterdir() if p.name.startswith(stem + ".")))


def ours(case, name):
    return json.loads((Path(case) / f"{name}.json").read_text())


def difference(ours, theirs):
    return abs(ours - theirs) / max(abs(theirs), 1e-6)


def compare(what, name, own, theirs, differs={}):
    """`theirs` by IBSI tag; `differs` has other tolerances, None for no comparison at all."""
    common = [tag for tag in theirs if tag in own["features"] and differs.get(tag, 1) is not None]
    if len(common) < 50:
        print(f"FAILED  {name}: {what} has only {len(common)} features in common with ours")
        return
    off = {tag: difference(own["features"][tag], theirs[tag]) for tag in common}
    wrong = [tag for tag in common if not off[tag] <= differs.get(tag, TOLERANCE)]
    if wrong:
        print(f"FAILED  {name}: {len(wrong)} of {len(common)} features of {what} disagree")
        for tag in wrong:
            print(f"          {tag}: {own['features'][tag]:.10g}, {what} {theirs[tag]:.10g}")
    else:
        worst = max(common, key=off.get)
        print(
            f"passed  {name}: {len(common)} features of {what} agree (worst {off[worst]:.1e}, {worst}; "
            f"{TOLERANCE} is allowed{', more for a few' if differs else ''})"
        )


def pyradiomics(name, case):
    import SimpleITK as sitk
    from radiomics import featureextractor, setVerbosity

    setVerbosity(logging.ERROR)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    extractor = featureextractor.RadiomicsFeatureExtractor(
        binWidth=BIN_SIZE, resampledPixelSpacing=[SPACING_MM] * 3, interpolator="sitkLinear"
    )
    extractor.disableAllFeatures()
    for family in ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"):
        wanted = [f.split("_", 1)[1] for f in PYRADIOMICS if f.startswith(family + "_")]
        extractor.enableFeaturesByName(**{family: wanted})
    image, mask = sitk.ReadImage(find(case, "image")), sitk.ReadImage(find(case, "mask"))
    seconds = math.inf
    for _ in range(3):
        begin = time.perf_counter()
        result = extractor.execute(image, mask)
        seconds = min(seconds, time.perf_counter() - begin)
    theirs = {tag: float(result["original_" + key]) for key, tag in PYRADIOMICS.items()}
    own = ours(case, "pyradiomics")
    compare("PyRadiomics", name, own, theirs)
    own_seconds = own["timing"]["featuresSeconds"]
    print(
        f"measured {name}: PyRadiomics {1000 * seconds:.1f} ms for {len(theirs)} features, ours "
        f"{1000 * own_seconds:.1f} ms for {len(own['features'])}: {seconds / own_seconds:.0f} times faster"
    )


def mirp_tags(row):
    """Their names end in the aggregation, and in what the discretisation was."""
    tags = {}
    for column, value in row.items():
        parts = column.split("_fbs_")[0].replace("_d1", "").replace("_a0.0", "")
        for theirs, tag in MIRP_AGGREGATIONS.items():
            if parts.endswith("_" + theirs) and column != parts:
                parts = parts.removesuffix(theirs) + tag
                break
        if isinstance(value, (int, float)) and math.isfinite(value):
            tags[parts] = float(value)
    return tags


def mirp(name, case):
    from mirp import extract_features

    logging.disable(logging.INFO)
    for own_name, by_slice, directed, undirected in (
        ("ibsi-3d", False, ["3d_average", "3d_volume_merge"], ["3d"]),
        (
            "ibsi-2d",
            True,
            ["2d_average", "2d_slice_merge", "2.5d_direction_merge", "2.5d_volume_merge"],
            ["2d", "2.5d"],
        ),
    ):
        begin = time.perf_counter()
        table = extract_features(
            image=find(case, "image"),
            mask=find(case, "mask"),
            image_modality="pet",
            by_slice=by_slice,
            new_spacing=None if by_slice else SPACING_MM,
            spline_order=1,
            anti_aliasing=False,
            base_feature_families="all",
            base_discretisation_method="fixed_bin_size",
            base_discretisation_bin_width=BIN_SIZE,
            resegmentation_intensity_range=[0.0, math.nan],
            ivh_discretisation_method="fixed_bin_size",
            ivh_discretisation_bin_width=IVH_BIN_SIZE,
            glcm_spatial_method=directed,
            glrlm_spatial_method=directed,
            glszm_spatial_method=undirected,
            gldzm_spatial_method=undirected,
            ngtdm_spatial_method=undirected,
            ngldm_spatial_method=undirected,
        )[0]
        seconds = time.perf_counter() - begin
        theirs = mirp_tags(table.iloc[0].to_dict())
        own = ours(case, own_name)
        compare(f"MIRP ({own_name[5:]})", name, own, theirs, MIRP_DIFFERS)
        print(
            f"measured {name}: MIRP {1000 * seconds:.0f} ms with reading, ours "
            f"{1000 * own['timing']['featuresSeconds']:.1f} ms without"
        )


def main():
    peer = {"pyradiomics": pyradiomics, "mirp": mirp}[sys.argv[1]]
    for argument in sys.argv[2:]:
        name, case = argument.split("=", 1)
        try:
            peer(name, case)
        except Exception as error:
            print(f"FAILED  {name}: {sys.argv[1]} can be run")
            print(f"          {type(error).__name__}: {error}")
            traceback.print_exc()


if __name__ == "__main__":
    main()
