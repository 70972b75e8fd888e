"""Compares `fedpet harmonise --estimate` with neuroCombat (PyPI), by the authors of Fortin 2018.

usage: combat_peer.py PATH_OF_FEDPET WORK_FOLDER

Tables of made-up patients on four scanners: with and without covariates, with a reference scanner,
with and without empirical Bayes. The parameters must agree, and so must the adjusted values, which
are computed here from the parameters by the formula of Combat.h.
"""
import contextlib
import csv
import importlib
import io
import json
import pathlib
import subprocess
import sys
import warnings

import numpy
import pandas

NAME = "neuroCombat"
TOLERANCE = 1e-6  # in standard deviations
INPUTS = ["TMTV", "TLG", "SUVmax", "SUVpeak", "Dmax", "SLR", "BLR"]
LOGARITHMS = {"TMTV", "TLG"}
SCANNERS = {"A": 60, "B": 35, "C": 24, "D": 48}


def neurocombat():
    numpy.int = int  # the name is gone from numpy, neuroCombat still uses it
    module = importlib.import_module("neuroCombat.neuroCombat")
    # It stops at a change of 1e-4; to compare further digits, both go to the fixed point.
    def to_the_fixed_point(*args, _work=module.it_sol):
        return _work(*args, conv=1e-13)
    module.it_sol = to_the_fixed_point
    return module.neuroCombat


def patients(seed):
    random = numpy.random.default_rng(seed)
    rows = []
    for index, (scanner, count) in enumerate(SCANNERS.items()):
        for _ in range(count):
            age = random.normal(62 + 2 * index, 9)
            male = int(random.random() < 0.5 + 0.08 * index)
            common = random.normal(0, 1)
            row = {"scanner": scanner, "age": age, "male": male}
            for n, name in enumerate(INPUTS):
                z = 0.5 * common + random.normal(0, 0.8 + 0.15 * index) + 0.3 * index - 0.2 * n * (
                    index - 1.5) / 3 + 0.02 * (age - 62) + 0.3 * male
                row[name] = {"TMTV": numpy.exp(4 + z), "TLG": numpy.exp(6 + z), "SUVmax": 13 + 3 * z,
                             "SUVpeak": 10 + 2 * z, "Dmax": 480 + 90 * z, "SLR": 0.9 + 0.1 * z,
                             "BLR": 0.8 + 0.1 * z}[name]
            rows.append(row)
    return rows


def ours(fedpet, folder, rows, options):
    table, out = folder / "combat.csv", folder / "combat.json"
    with open(table, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows([{k: repr(float(v)) if k not in ("scanner", "male") else v
                           for k, v in row.items()} for row in rows])
    command = [fedpet, "harmonise", "--estimate", str(table), "--inputs", ",".join(INPUTS), "--out",
               str(out)] + options
    subprocess.run(command, check=True, capture_output=True)
    return json.loads(out.read_text())


def transformed(rows):
    return numpy.array([[numpy.log(row[name]) if name in LOGARITHMS else row[name] for row in rows]
                        for name in INPUTS])


def adjusted(model, rows):
    """The formula of Combat.h, on transformed values."""
    scanners = {s["scanner"]: s["inputs"] for s in model["scanners"]}
    result = transformed(rows)
    for n, parameters in enumerate(model["inputs"]):
        for j, row in enumerate(rows):
            expected = parameters["mean"] + sum(beta * row[name] for name, beta in
                                                parameters.get("covariates", {}).items())
            own = scanners[row["scanner"]][parameters["input"]]
            z = (result[n, j] - expected) / parameters["sd"]
            result[n, j] = expected + parameters["sd"] * (z - own["shift"]) / own["scale"] ** 0.5
    return result


def differences(model, theirs, rows):
    """Largest differences of parameters and of adjusted values, in standard deviations."""
    deviation = numpy.array([i["sd"] for i in model["inputs"]])
    estimates = theirs["estimates"]
    yield "sd", numpy.abs(numpy.sqrt(estimates["var.pooled"][:, 0]) / deviation - 1).max()
    mean = numpy.array([i["mean"] for i in model["inputs"]])
    yield "mean", (numpy.abs(estimates["stand.mean"][:, 0] - mean) / deviation).max()
    for key, name in (("shift", "gamma.star"), ("scale", "delta.star")):
        found = numpy.array([[s["inputs"][i][key] for i in INPUTS] for s in model["scanners"]])
        yield key, numpy.abs(found - estimates[name]).max()
    yield "adjusted values", (numpy.abs(adjusted(model, rows) - theirs["data"]) /
                              deviation[:, None]).max()


def main(fedpet, folder):
    warnings.simplefilter("ignore")
    combat = neurocombat()
    worst, compared, faults = 0.0, 0, []
    for seed, covariates, reference, bayes in ((1, [], None, True), (2, ["age", "male"], None, True),
                                               (3, ["age", "male"], "B", True),
                                               (4, ["age"], None, False), (5, [], "D", False)):
        rows = patients(seed)
        options = []
        if covariates:
            options += ["--covariates", ",".join(covariates)]
        if reference:
            options += ["--reference", reference]
        if not bayes:
            options += ["--no-empirical-bayes"]
        model = ours(fedpet, pathlib.Path(folder), rows, options)
        with contextlib.redirect_stdout(io.StringIO()):
            theirs = combat(transformed(rows), pandas.DataFrame(rows)[["scanner"] + covariates],
                            "scanner", continuous_cols=covariates, eb=bayes, ref_batch=reference)
        for what, off in differences(model, theirs, rows):
            worst, compared = max(worst, off), compared + 1
            # It keeps covariates as 32 bit numbers.
            if not off <= (TOLERANCE if not covariates else 20 * TOLERANCE):
                faults.append(f"table {seed}: {what} differs by {off:.2e}")
    for fault in faults[:10]:
        print(f"FAILED  {NAME}: {fault}")
    if not faults:
        print(f"passed  {NAME}: ComBat agrees in {compared} comparisons, the largest difference is "
              f"{worst:.1e} standard deviations")


main(*sys.argv[1:])
