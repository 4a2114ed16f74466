#!/usr/bin/env bash
# pillow-mixes-low-and-high-bytes-when-16-bit-tiff-planes-are-uncompressed: a color TIFF of 16 bits whose planes are
# stored apart opens as noise, without a complaint, and is right as soon as the same planes are compressed.
#
# Seen on 29 November 2026 with Pillow 13.0.0, tifffile 2026.3.3, NumPy 2.4.6, Python 3.11.7, Debian 12 (x86-64).
# Expected: TIFF 6.0 allows PlanarConfiguration 2 with any BitsPerSample, so that a reader shows the picture or refuses
#   the file. Pillow shows other 16-bit color as its high bytes.
# Found: Pillow takes an uncompressed plane of 16 bits for one of 8: low and high bytes become neighbors, and the lower
#   half of the picture never appears. With Deflate, or with the samples interleaved, all is right; so are 8 bits.
#   The upper half of the picture is red 2010, green 4030, blue 6050 in hexadecimal, the lower half a191, c1b1, e1d1.
#   Each line lists the different pixels of one file in the order in which they appear.
# Output:
#   16 bits, apart, plain         10 30 50, 20 40 60
#   16 bits, apart, Deflate       20 40 60, a1 c1 e1
#   16 bits, interleaved, plain   20 40 60, a1 c1 e1
#   8 bits, apart, plain          20 40 60, a1 c1 e1
#   16 bits, apart, by tifffile   2010 4030 6050, a191 c1b1 e1d1
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6

venv/bin/python > found <<'PYTHON'
import numpy as np
import tifffile
from PIL import Image


def show(name, picture):
    pixels = dict.fromkeys(" ".join(f"{sample:x}" for sample in pixel) for pixel in picture.reshape(-1, 3).tolist())
    print(f"{name:29} {', '.join(pixels)}")


def reopen(name, samples, planar, compression=None):
    tifffile.imwrite("x.tif", samples, photometric="rgb", planarconfig=planar, compression=compression)
    with Image.open("x.tif") as picture:
        show(name, np.asarray(picture))


interleaved = np.empty((4, 2, 3), np.uint16)
interleaved[:2] = 0x2010, 0x4030, 0x6050
interleaved[2:] = 0xA191, 0xC1B1, 0xE1D1
planes = np.moveaxis(interleaved, -1, 0)

reopen("16 bits, apart, plain", planes, "separate")
reopen("16 bits, apart, Deflate", planes, "separate", "zlib")
reopen("16 bits, interleaved, plain", interleaved, "contig")
reopen("8 bits, apart, plain", (planes >> 8).astype(np.uint8), "separate")
tifffile.imwrite("x.tif", planes, photometric="rgb", planarconfig="separate")
show("16 bits, apart, by tifffile", np.moveaxis(tifffile.imread("x.tif"), 0, -1))
PYTHON

cat found
sed -n '/^# Output:/,/^set/s/^#   //p' "$script" | diff - found >&2 || {
    echo "$(basename "$script"): the program answers otherwise now: correct or remove this finding." >&2
    exit 1
}
