#!/usr/bin/env bash
# pillow-paints-palette-entry-0-when-a-gif-names-another-background: Pillow reports a GIF's background color and fills
# the screen around a small first frame with another color.
#
# Seen on 29 November 2026 with Pillow 13.0.0, opencv-python-headless 5.0.0.93, NumPy 2.4.6, Python 3.11.7, Debian 12
# (x86-64).
# Expected: pixels that no image covers have the color to which the Background Color Index points (GIF89a, section 18),
#   or are transparent, as browsers have it.
# Found: the pixels are palette entry 0 and opaque, whatever the index is, while info["background"] repeats the index. A
#   screen that should be white is black, or red, by the order of the palette; only a transparent entry of the frame
#   makes Pillow leave the rest transparent. OpenCV paints the color of the index.
#   The screen is 3 x 1 pixels, the frame its middle, of black (entry 3). The palette is red, blue, white, black.
# Output:
#   index 0  Pillow background=0 red black red    OpenCV red black red
#   index 1  Pillow background=1 red black red    OpenCV blue black blue
#   index 2  Pillow background=2 red black red    OpenCV white black white
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6

venv/bin/python > found <<'PYTHON'
import struct
from pathlib import Path

import cv2
from PIL import Image

COLORS = {(255, 0, 0, 255): "red", (0, 0, 255, 255): "blue", (255, 255, 255, 255): "white", (0, 0, 0, 255): "black"}
GLOBAL_PALETTE_OF_4 = 0x91
ONE_PIXEL_OF_ENTRY_3 = bytes([2, 2, 0x5C, 0x01, 0])
"""LZW of 2-bit pixels, a block of 2 bytes with the 3-bit codes 4 (clear), 3 (the pixel) and 5 (end), no more blocks."""


def gif(background):
    palette = b"".join(bytes(color[:3]) for color in COLORS)
    screen = struct.pack("<HHBBB", 3, 1, GLOBAL_PALETTE_OF_4, background, 0)
    frame = b"," + struct.pack("<HHHHB", 1, 0, 1, 1, 0) + ONE_PIXEL_OF_ENTRY_3
    return b"GIF89a" + screen + palette + frame + b";"


for background in range(3):
    Path("x.gif").write_bytes(gif(background))
    with Image.open("x.gif") as picture:
        reported = picture.info["background"]
        rgba = picture.convert("RGBA")
    pillow = [COLORS.get(rgba.getpixel((x, 0)), "another color") for x in range(3)]
    pixels = cv2.imread("x.gif", cv2.IMREAD_COLOR)[0, :, ::-1].tolist()
    opencv = [COLORS.get((*pixel, 255), "another color") for pixel in pixels]
    print(f"index {background}  Pillow background={reported} {' '.join(pillow):16} OpenCV {' '.join(opencv)}")
PYTHON

cat found
sed -n '/^# Output:/,/^set/s/^#   //p' "$script" | diff - found >&2 || {
    echo "$(basename "$script"): the program answers otherwise now: correct or remove this finding." >&2
    exit 1
}
