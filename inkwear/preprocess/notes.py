"""Notes about what the preprocessing did to a picture, in words a person can read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TEMPLATES = {
    "turned": "turned upright, as the camera's orientation tag says",
    "first_frame": "first of {frames} frames taken",
    "deep": "{bits}-bit values scaled to 8 bits",
    "transparency": "transparent parts laid on {backdrop}",
    "gray": "colours turned to gray",
    "inverted": "inverted: the object was darker than its background",
    "margins": "margins around the picture left out",
    "ink": "ink told from paper, print and shadows by a small network",
    "frame": "the frame around the drawing left out",
    "background": "background noise set to zero",
    "turned_by": "turned by {degrees}°, as its digits stand that way",
    "plain_background": "the garment taken for what differs from its plain background",
    "cut_out": "the garment cut out of its background",
    "one_of_a_pair": "one of a pair taken",
    "negated": "negated: dark clothes are bright in the data set",
    "thickened": "strokes thickened to the usual width",
    "thinned": "strokes thinned to the usual width",
    "contrast": "contrast raised to full range",
    "whole": "the whole picture, scaled to a square of {size} pixels",
    "framed": "cut out, scaled to {box} pixels and centred by its {centering}",
    "number": "split into {digits} digits, each framed by itself",
    "cut_off": "lines cut off by the border left out: {lines}",
    "specks": "specks left out: {count}",
    "lines": "{lines} lines read from top to bottom",
    "signs": "signs kept in the text: {signs}",
    "unknown_marks": "marks that are no digits: {count}",
    "already_framed": "already framed as the data set frames",
    "never_sure": "never sure of a garment cut out of a photograph: 28×28 pixels show too little of it",
    "surer": "{model} was surer than {other}",
    "either": "{model} and {other} are both sure; the other reads {label}",
    "blank": "nothing stands out from the background",
}
"""English sentence of each code; the page holds the same codes in its other languages."""

STEPS = {
    "original": ("turned", "first_frame", "deep", "transparency"),
    "gray": ("gray",),
    "found": (
        *("margins", "ink", "inverted", "frame", "background"),
        *("plain_background", "cut_out", "one_of_a_pair", "negated", "blank"),
    ),
    "read": ("turned_by", "cut_off", "specks", "lines", "signs", "unknown_marks", "surer", "either"),
    "framed": ("thickened", "thinned", "contrast", "whole", "framed", "number", "already_framed", "never_sure"),
    "normalized": (),
}
"""Codes of the notes that each step of the preprocessing may make, in the order of the steps."""


@dataclass(frozen=True)
class Note:
    """One step that changed the picture: a code from ``TEMPLATES`` and the values its sentence names."""

    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        sentence = TEMPLATES[self.code]
        return sentence.format(**self.values) if self.values else sentence
