"""Compares `fedpet privacy` with the RDP accountant of Opacus (PyPI, Apache-2.0).

usage: privacy_peer.py PATH_OF_FEDPET

Opacus' package needs torch, its accountant does not: the one file with the arithmetic is loaded by
its path.
"""
import importlib.metadata
import importlib.util
import json
import math
import pathlib
import subprocess
import sys
import warnings

NAME = "Opacus' accountant"
TOLERANCE = 1e-6  # relative


def folder():
    package = importlib.metadata.distribution("opacus")
    return pathlib.Path(package.locate_file("opacus")) / "accountants"


def load_arithmetic():
    spec = importlib.util.spec_from_file_location("rdp", folder() / "analysis" / "rdp.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def default_orders():
    source = "[1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64))"
    if source not in (folder() / "rdp.py").read_text():
        raise LookupError("Opacus' default orders have changed")
    return [1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64))


def ours(fedpet, options):
    command = [fedpet, "privacy", "--json"]
    for name, value in options.items():
        command += [f"--{name}", repr(value)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(fedpet):
    rdp, orders = load_arithmetic(), default_orders()
    warnings.simplefilter("ignore")  # "the optimal order is the smallest": so it is for us

    def theirs(multiplier, rate, steps, delta):
        costs = rdp.compute_rdp(q=rate, noise_multiplier=multiplier, steps=steps, orders=orders)
        return max(0.0, float(rdp.get_privacy_spent(orders=orders, rdp=costs, delta=delta)[0]))

    worst, compared, faults = 0.0, 0, []
    for multiplier in (0.5, 1.0, 1.5, 4.0):
        for rate in (0.01, 0.1, 0.6, 1.0):
            for steps, delta in ((100, 1e-3), (10000, 1e-5)):
                expected = theirs(multiplier, rate, steps, delta)
                found = ours(fedpet, {"noise-multiplier": multiplier, "sample-rate": rate,
                                      "steps": steps, "delta": delta})["epsilon"]
                off = abs(found - expected) / max(1e-3, expected)
                worst, compared = max(worst, off), compared + 1
                if not off <= TOLERANCE:
                    faults.append(f"multiplier {multiplier}, rate {rate}, {steps} steps, delta "
                                  f"{delta}: {found}, expected {expected}")
    for epsilon in (0.5, 1.0, 3.0, 8.0):
        found = ours(fedpet, {"epsilon": epsilon, "sample-rate": 0.1, "steps": 200,
                              "delta": 1e-3})["noiseMultiplier"]
        within, beyond = theirs(found, 0.1, 200, 1e-3), theirs(0.999 * found, 0.1, 200, 1e-3)
        compared += 1
        if not (within <= epsilon * (1 + TOLERANCE) and beyond > epsilon) or math.isnan(within):
            faults.append(f"multiplier {found} for epsilon {epsilon} gives {within}")
    for fault in faults[:10]:
        print(f"FAILED  {NAME}: {fault}")
    if not faults:
        print(f"passed  {NAME}: {compared} budgets agree, the largest relative difference is "
              f"{worst:.1e}")


main(sys.argv[1])
