"""``/corrections``: pictures that were read wrong, with the right label; kept only where the user said so."""

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, Query, UploadFile
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from app.api.deps import AppStateDep
from app.api.responses import in_base64
from app.archives.pictures import MAX_PICTURE_BYTES
from app.corrections import Correction, Corrections, CorrectionsOff, file_name, new_correction
from app.middleware.limits import FORM, limits
from inkwear.images.subprocess import open_picture
from inkwear.onnx.session import Device

if TYPE_CHECKING:
    from inkwear.prediction import Prediction
    from inkwear.preprocess.spec import Pixels

CHUNK = 1 << 20
"""Bytes of the ZIP sent at once."""

WHOLE = "whole"


class CorrectionAnswer(BaseModel):
    """A correction: what the model had said, and the right label."""

    id: str
    created: str
    """UTC, ISO 8601."""
    dataset: str
    label: str
    said: str
    confidence: float
    model: str
    digest: str
    """The SHA-256 of the model's file."""
    pixels: str
    """28×28 bytes, row by row, in base64: what the network saw."""

    @classmethod
    def of(cls, correction: Correction) -> "CorrectionAnswer":
        plain = {name: getattr(correction, name) for name in cls.model_fields if name != "pixels"}
        return cls(**plain, pixels=in_base64(correction.pixels))


class CorrectionsAnswer(BaseModel):
    """Whether corrections are kept, how many there are, and a page of them, newest first."""

    enabled: bool
    count: int
    items: list[CorrectionAnswer]


class DeletedAnswer(BaseModel):
    """How many were deleted."""

    deleted: int


def the_corrections(state: AppStateDep) -> Corrections:
    """Return where corrections are kept.

    Raises:
        CorrectionsOff: nowhere.
    """
    if state.corrections is None:
        raise CorrectionsOff
    return state.corrections


router = APIRouter()

TheCorrections = Annotated[Corrections, Depends(the_corrections)]


@router.get("/corrections")
@limits("corrections", slot="work")
def list_corrections(
    state: AppStateDep,
    offset: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> CorrectionsAnswer:
    """List corrections, newest first; where none are kept, say so."""
    if state.corrections is None:
        return CorrectionsAnswer(enabled=False, count=0, items=[])
    items = [CorrectionAnswer.of(each) for each in state.corrections.newest(offset, limit)]
    return CorrectionsAnswer(enabled=True, count=state.corrections.count(), items=items)


@router.post("/corrections", status_code=201)
@limits("corrections", max_bytes=MAX_PICTURE_BYTES, content_types=FORM, slot="work")
def correct(
    corrections: TheCorrections,
    state: AppStateDep,
    image: Annotated[UploadFile, File(description="as it was classified")],
    model: Annotated[str, Form(description="the one that read it, by a name from /models")],
    label: Annotated[str, Form(description="what it really is: one of the model's class_names")],
    device: Annotated[Device | None, Form()] = None,
    digit: Annotated[
        int | Literal["whole"] | None,
        Form(description="of a number: which of its digits, from 0; or whole, where it is one thing after all"),
    ] = None,
) -> CorrectionAnswer:
    """Keep a picture and its label: `curl -F image=@7.png -F model=mnist-lenet -F label=7 localhost:7860/corrections`.

    The picture is read once more, so that what is kept is what this model sees and says. A later correction of the
    same takes the place of the earlier.
    """
    content = image.file.read()
    picture = open_picture(content, name=image.filename or "the picture")
    assert picture.format  # every picture of open_image has one
    classifier = state.catalog.classifier(model, device or state.default_device)
    said, confidence, pixels = what_was_said(classifier.predict([picture])[0], digit)
    correction = new_correction(
        classifier.metadata,
        label,
        said=said,
        confidence=confidence,
        model=model,
        digest=classifier.digest,
        pixels=pixels,
        format=picture.format,
    )
    corrections.add(correction, content)
    return CorrectionAnswer.of(correction)


def what_was_said(prediction: "Prediction", digit: int | str | None) -> "tuple[str, float, Pixels]":
    """Return label, confidence and pixels (28, 28) of a picture, or of one digit of a number.

    Raises:
        ValueError: nothing was seen, or it is not said which digit is meant.
    """
    digits = prediction.digits
    if prediction.label is None or prediction.confidence is None:
        raise ValueError("Nothing was found in this picture, so there is nothing to correct.")
    if digit == WHOLE or (digit is None and not digits):
        return prediction.label, prediction.confidence, prediction.pixels
    if isinstance(digit, int) and 0 <= digit < len(digits):
        return digits[digit].label, digits[digit].confidence, digits[digit].pixels
    if digits:
        raise ValueError(
            f"This picture was read as {len(digits)} digits, {prediction.label}. Say which one is meant: "
            f"digit=0 to {len(digits) - 1}, or digit={WHOLE} where all of it is one."
        )
    raise ValueError("This picture was not read as a number; leave digit out.")


@router.delete("/corrections")
@limits("corrections", slot="work")
def delete_all(corrections: TheCorrections) -> DeletedAnswer:
    """Delete every correction, pictures and all."""
    return DeletedAnswer(deleted=corrections.delete_all())


@router.delete("/corrections/{id}")
@limits("corrections", slot="work")
def delete(corrections: TheCorrections, id: str) -> DeletedAnswer:
    """Delete one correction and its picture."""
    corrections.delete(id)
    return DeletedAnswer(deleted=1)


@router.get("/corrections/{id}/picture", response_class=Response)
@limits("corrections", slot="work")
def picture(corrections: TheCorrections, id: str) -> Response:
    """Return a picture as it was sent."""
    content, its_format = corrections.picture(id)
    headers = _kept_private(file_name(id, its_format), "inline")
    return Response(content, media_type=f"image/{its_format.lower()}", headers=headers)


@router.get("/corrections.zip", response_class=StreamingResponse)
@limits("corrections", slot="work")
def export(corrections: TheCorrections) -> StreamingResponse:
    """Return all corrections as a ZIP, which `training.train --extra-data` reads too."""
    headers = _kept_private("corrections.zip", "attachment")
    return StreamingResponse(_chunks(corrections.export()), media_type="application/zip", headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


def _kept_private(name: str, how: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'{how}; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
