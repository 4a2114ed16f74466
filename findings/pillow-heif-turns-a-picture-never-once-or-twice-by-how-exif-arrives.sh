#!/usr/bin/env bash
# pillow-heif-turns-a-picture-never-once-or-twice-by-how-exif-arrives: four documented ways to save one photograph as
# HEIC give three pictures.
#
# Seen on 29 November 2026 with pillow-heif 1.8.1 (libheif 1.23.6), Pillow 13.0.0, Python 3.11.7, Debian 12 (x86-64).
# Expected: the same pixels and the same Exif give the same picture. The argument "exif" of save() takes bytes or a
#   PIL.Image.Exif (docstring of HeifFile.save), and from_pillow() takes any picture of Pillow.
# Found: a photograph with orientation 6 (turn by 90 degrees clockwise) is turned once if the Exif arrives in the
#   picture or as bytes. As a PIL.Image.Exif it is stored but no "irot" box is written, and HEIF readers turn by that
#   box alone: the picture stays on its side. from_pillow() turns the pixels, keeps orientation 6 and writes the box as
#   well: the picture lies on its other side. Whoever opens the files sees orientation 1 each time.
#   The quarters of the picture are A B over C D; upright, they are C A over D B.
# Output:
#   JPEG, exif_transpose        CA/DB  orientation 1
#   Image.save                  CA/DB  orientation 1  irot
#   Image.save, exif=bytes      CA/DB  orientation 1  irot
#   Image.save, exif=Exif       AB/CD  orientation 1  no irot
#   from_pillow(image).save     DC/BA  orientation 1  irot
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow-heif==1.8.1 pillow==13.0.0

venv/bin/python > found <<'PYTHON'
from pathlib import Path

import pillow_heif
from PIL import Image, ImageOps

ORIENTATION = 0x0112
QUARTERS = {"A": 0, "B": 85, "C": 170, "D": 255}

pillow_heif.register_heif_opener()


def show(name, picture, box=""):
    width, height = picture.size
    centers = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
    grays = [picture.convert("L").getpixel(center) for center in centers]
    letters = [min(QUARTERS, key=lambda quarter: abs(QUARTERS[quarter] - gray)) for gray in grays]
    orientation = picture.getexif().get(ORIENTATION, 1)
    print(f"{name:27} {''.join(letters[:2])}/{''.join(letters[2:])}  orientation {orientation}  {box}".rstrip())


def reopen(name):
    box = "irot" if b"irot" in Path("x.heic").read_bytes() else "no irot"
    with Image.open("x.heic") as picture:
        show(name, picture, box)


photograph = Image.new("RGB", (128, 64))
for number, gray in enumerate(QUARTERS.values()):
    left, top = number % 2 * 64, number // 2 * 32
    photograph.paste((gray, gray, gray), (left, top, left + 64, top + 32))
exif = Image.Exif()
exif[ORIENTATION] = 6
photograph.save("x.jpg", exif=exif)

image = Image.open("x.jpg")
show("JPEG, exif_transpose", ImageOps.exif_transpose(image))
image.save("x.heic")
reopen("Image.save")
image.save("x.heic", exif=image.getexif().tobytes())
reopen("Image.save, exif=bytes")
image.save("x.heic", exif=image.getexif())
reopen("Image.save, exif=Exif")
pillow_heif.from_pillow(image).save("x.heic")
reopen("from_pillow(image).save")
PYTHON

cat found
sed -n '/^# Output:/,/^set/s/^#   //p' "$script" | diff - found >&2 || {
    echo "$(basename "$script"): the program answers otherwise now: correct or remove this finding." >&2
    exit 1
}
