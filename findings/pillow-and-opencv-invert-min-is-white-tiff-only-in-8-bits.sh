#!/usr/bin/env bash
# pillow-and-opencv-invert-min-is-white-tiff-only-in-8-bits: a gray TIFF in which 0 means white is a positive at 8 bits
# and a negative at 16, and in OpenCV the flag of the call decides.
#
# Seen on 29 November 2026 with Pillow 13.0.0, opencv-python-headless 5.0.0.93 (4.14.0.94 does the same), tifffile
# 2026.3.3, NumPy 2.4.6, Python 3.11.7, Debian 12 (x86-64).
# Expected: PhotometricInterpretation 0 says that 0 is imaged as white (TIFF 6.0, page 37), at any depth. A reader
#   either always inverts or always hands out the samples as they are stored.
# Found: both libraries invert 8 bits and neither inverts 16. Of the same 16-bit file OpenCV gives the positive with
#   IMREAD_GRAYSCALE and the negative with IMREAD_UNCHANGED and IMREAD_ANYDEPTH. Pillow names the 16-bit picture
#   "I;16", as it names one where 0 is black, so that convert("L") yields a negative too.
#   The picture is one white pixel (0) beside one black pixel (the largest sample).
# Output:
#   8 bits   Pillow           L: 255 0
#   8 bits   OpenCV UNCHANGED uint8: 255 0
#   16 bits  Pillow           I;16: 0 65535
#   16 bits  Pillow convert   L: 0 255
#   16 bits  OpenCV UNCHANGED uint16: 0 65535
#   16 bits  OpenCV ANYDEPTH  uint16: 0 65535
#   16 bits  OpenCV GRAYSCALE uint8: 255 0
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    pillow==13.0.0 opencv-python-headless==5.0.0.93 tifffile==2026.3.3 numpy==2.4.6

venv/bin/python > found <<'PYTHON'
import cv2
import numpy as np
import tifffile
from PIL import Image


def show(bits, reader, kind, picture):
    print(f"{bits:8} {reader:16} {kind}:", *np.asarray(picture).ravel())


tifffile.imwrite("8.tif", np.array([[0, 255]], np.uint8), photometric="miniswhite")
tifffile.imwrite("16.tif", np.array([[0, 65535]], np.uint16), photometric="miniswhite")

for bits in ("8", "16"):
    with Image.open(f"{bits}.tif") as picture:
        show(f"{bits} bits", "Pillow", picture.mode, picture)
        if bits == "16":
            show("16 bits", "Pillow convert", "L", picture.convert("L"))
    for flag in ("UNCHANGED",) if bits == "8" else ("UNCHANGED", "ANYDEPTH", "GRAYSCALE"):
        samples = cv2.imread(f"{bits}.tif", getattr(cv2, f"IMREAD_{flag}"))
        show(f"{bits} bits", f"OpenCV {flag}", samples.dtype, samples)
PYTHON

cat found
sed -n '/^# Output:/,/^set/s/^#   //p' "$script" | diff - found >&2 || {
    echo "$(basename "$script"): the program answers otherwise now: correct or remove this finding." >&2
    exit 1
}
