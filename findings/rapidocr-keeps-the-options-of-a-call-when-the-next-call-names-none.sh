#!/usr/bin/env bash
# rapidocr-keeps-the-options-of-a-call-when-the-next-call-names-none: an argument of one call changes the answers of all
# later calls of the engine.
#
# Seen on 29 November 2026 with rapidocr 3.10.0, onnxruntime 1.32.0, opencv-python-headless 5.0.0.93, NumPy 2.4.6,
# Python 3.11.7, Debian 12 (x86-64).
# Expected: engine(picture) reads with the settings of the configuration; engine(picture, use_det=False) departs from
#   them for that call (https://rapidai.github.io/RapidOCRDocs/main/install_usage/rapidocr/parameters/ says that the
#   arguments of a call override the configuration).
# Found: the argument replaces the setting of the engine. After one call with use_det=False the plain call no longer
#   detects: its answer is of another class and holds one line, in which two were. After one call with text_score=1 the
#   plain call finds nothing. The engine stays so until a call names the argument again; a program that shares an engine
#   between requests answers by who came before.
#   The picture shows HELLO above WORLD.
# Output:
#   fresh engine             RapidOCROutput HELLO WORLD
#   called with use_det=0    TextRecOutput 1 line
#   plain call after it      TextRecOutput 1 line
#   called with use_det=1    RapidOCROutput HELLO WORLD
#   called with text_score=1 RapidOCROutput nothing
#   plain call after it      RapidOCROutput nothing
#   another fresh engine     RapidOCROutput HELLO WORLD
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    rapidocr==3.10.0 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.4.6

venv/bin/python > found <<'PYTHON'
import cv2
import numpy as np
from rapidocr import RapidOCR


def new_engine():
    return RapidOCR(params={"Global.log_level": "critical"})


def show(name, answer):
    texts = answer.txts or ("nothing",)
    print(f"{name:24} {type(answer).__name__}", *(texts if hasattr(answer, "boxes") else [f"{len(texts)} line"]))


picture = np.full((200, 400, 3), 255, np.uint8)
for text, bottom in (("HELLO", 70), ("WORLD", 160)):
    cv2.putText(picture, text, (20, bottom), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)

engine = new_engine()
show("fresh engine", engine(picture))
show("called with use_det=0", engine(picture, use_det=False))
show("plain call after it", engine(picture))
show("called with use_det=1", engine(picture, use_det=True))
show("called with text_score=1", engine(picture, text_score=1.0))
show("plain call after it", engine(picture))
show("another fresh engine", new_engine()(picture))
PYTHON

cat found
sed -n '/^# Output:/,/^set/s/^#   //p' "$script" | diff - found >&2 || {
    echo "$(basename "$script"): the program answers otherwise now: correct or remove this finding." >&2
    exit 1
}
