"""Writes a synthetic lesion of 50 ml as NRRD: image.nrrd and mask.nrrd.

Usage: radiomics_lesion.py FOLDER
An ellipsoid with a cold core and a rim that fades out, smooth and noisy, on PET's voxels of 4 mm: 6250
voxels once it is interpolated to 2 mm. Plain Python, for it is made before any peer is installed.
"""

import math
import random
import struct
import sys
from pathlib import Path

SIZE = (20, 17, 16)
SPACING_MM = 4
SEMI_AXES_MM = (28.0, 22.0, 19.4)  # 4/3 pi a b c = 50 ml


def write(path, kind, code, values):
    header = (
        f"NRRD0004\ntype: {kind}\ndimension: 3\nspace: left-posterior-superior\n"
        f"sizes: {SIZE[0]} {SIZE[1]} {SIZE[2]}\nspace directions: (4,0,0) (0,4,0) (0,0,4)\n"
        "kinds: domain domain domain\nendian: little\nencoding: raw\n"
        "space origin: (-40,15,200)\n\n"
    )
    path.write_bytes(header.encode() + struct.pack(f"<{len(values)}{code}", *values))


def main():
    folder = Path(sys.argv[1])
    source = random.Random(20)
    image, mask = [], []
    for k in range(SIZE[2]):
        for j in range(SIZE[1]):
            for i in range(SIZE[0]):
                x, y, z = (SPACING_MM * (at - (n - 1) / 2) for at, n in zip((i, j, k), SIZE))
                r = math.sqrt(sum((c / a) ** 2 for c, a in zip((x, y, z), SEMI_AXES_MM)))
                uptake = 1.2 + 9 / (1 + math.exp(9 * (r - 1))) * (1 - 0.6 * math.exp(-(3 * r) ** 2))
                image.append(max(0.0, uptake * source.gauss(1, 0.12)))
                mask.append(1 if r <= 1 else 0)
    write(folder / "image.nrrd", "float", "f", image)
    write(folder / "mask.nrrd", "uint8", "B", mask)


main()
