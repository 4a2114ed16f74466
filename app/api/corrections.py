"""``/corrections``: pictures that were read wrong, with their right labels; kept only where the user asked for it."""

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Annotated, Literal, Self

from fastapi import APIRouter, Depends, File, Form, Query, UploadFile
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from app.api.deps import AppStateDep, surest
from app.api.responses import in_base64
from app.archives.pictures import MAX_PICTURE_BYTES
from app.corrections import Corrections, CorrectionsOff, file_name, new_correction
from app.middleware.limits import FORM, limits
from inkwear.corrections import Correction
from inkwear.images.subprocess import open_picture
from inkwear.onnx.session import Device

if TYPE_CHECKING:
    from inkwear.prediction import Prediction
    from inkwear.preprocess.spec import Pixels

CHUNK = 1 << 20
"""Bytes of the ZIP that are sent at once."""

WHOLE = "whole"
"""Stands for the whole number in the field ``digit``."""


class CorrectionResponse(BaseModel):
    """A correction: the label that the model gave, ``said``, and the right one."""

    id: str
    created: str
    """UTC, ISO 8601."""
    dataset: str
    label: str
    said: str
    confidence: float
    model: str
    digest: str
    """SHA-256 of the model's file."""
    pixels: str
    """The bytes of a square, 28×28 for most models, row by row, in base64: what the network saw."""

    @classmethod
    def of(cls, correction: Correction) -> Self:
        plain = {name: getattr(correction, name) for name in cls.model_fields if name != "pixels"}
        return cls(**plain, pixels=in_base64(correction.pixels))


class CorrectionsResponse(BaseModel):
    """Whether corrections are kept, how many there are, and a page of them, newest first."""

    enabled: bool
    count: int
    items: list[CorrectionResponse]


class DeletedResponse(BaseModel):
    """The number of deleted corrections."""

    deleted: int


def corrections_on(state: AppStateDep) -> Corrections:
    """Return the kept corrections.

    Raises:
        CorrectionsOff: none are kept.
    """
    if state.corrections is None:
        raise CorrectionsOff
    return state.corrections


router = APIRouter()

CorrectionsDep = Annotated[Corrections, Depends(corrections_on)]


@router.get("/corrections")
@limits("corrections", slot="work")
def list_corrections(
    state: AppStateDep,
    offset: Annotated[int, Query(ge=0, le=1 << 62)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> CorrectionsResponse:
    """List corrections, newest first; where none are kept, say so."""
    if state.corrections is None:
        return CorrectionsResponse(enabled=False, count=0, items=[])
    items = [CorrectionResponse.of(each) for each in state.corrections.newest(offset, limit)]
    return CorrectionsResponse(enabled=True, count=state.corrections.count(), items=items)


@router.post("/corrections", status_code=201)
@limits("corrections", max_bytes=MAX_PICTURE_BYTES, content_types=FORM, slot="work")
def correct(
    corrections: CorrectionsDep,
    state: AppStateDep,
    image: Annotated[UploadFile, File(description="as it was classified")],
    model: Annotated[str, Form(description="the model that read it, by its name from /models")],
    label: Annotated[str, Form(description="the right label: one of the model's class_names")],
    device: Annotated[Device | None, Form()] = None,
    digit: Annotated[
        int | Literal["whole"] | None,
        Form(description="of a number: the digit's place, from 0; or whole, where the picture shows one thing"),
    ] = None,
) -> CorrectionResponse:
    """Keep a picture and its label: `curl -F image=@7.png -F model=mnist-lenet -F label=7 localhost:7860/corrections`.

    The picture is read once more, so that what is kept is what this model sees and says. A later correction of the
    same pixels replaces the earlier one.
    """
    content = image.file.read()
    picture = open_picture(content, name=image.filename or "the picture")
    assert picture.format  # every picture of open_image has one
    classifier = surest(state.catalog.reader(model, device or state.default_device), picture)
    said, confidence, pixels = reading_of(classifier.predict([picture])[0], digit)
    correction = new_correction(
        classifier.metadata,
        label,
        said=said,
        confidence=confidence,
        model=classifier.name,
        digest=classifier.digest,
        pixels=pixels,
        format=picture.format,
    )
    corrections.add(correction, content)
    return CorrectionResponse.of(correction)


def reading_of(prediction: "Prediction", digit: int | str | None) -> "tuple[str, float, Pixels]":
    """Return label, confidence and pixels (S, S) of a picture, or of one digit of a number.

    Raises:
        ValueError: the picture is blank, or ``digit`` does not name one of its digits.
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
def delete_all(corrections: CorrectionsDep) -> DeletedResponse:
    """Delete every correction, pictures and all."""
    return DeletedResponse(deleted=corrections.delete_all())


@router.delete("/corrections/{id}")
@limits("corrections", slot="work")
def delete(corrections: CorrectionsDep, id: str) -> DeletedResponse:
    """Delete one correction and its picture."""
    corrections.delete(id)
    return DeletedResponse(deleted=1)


@router.get("/corrections/{id}/picture", response_class=Response)
@limits("corrections", slot="work")
def picture(corrections: CorrectionsDep, id: str) -> Response:
    """Return a picture as it was sent."""
    content, picture_format = corrections.picture(id)
    headers = _private_file(file_name(id, picture_format), "inline")
    return Response(content, media_type=f"image/{picture_format.lower()}", headers=headers)


@router.get("/corrections.zip", response_class=StreamingResponse)
@limits("corrections", slot="work")
def export(corrections: CorrectionsDep) -> StreamingResponse:
    """Return all corrections as a ZIP, which `training.train --extra-data` reads."""
    headers = _private_file("corrections.zip", "attachment")
    return StreamingResponse(_chunks(corrections.export()), media_type="application/zip", headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


def _private_file(name: str, disposition: str) -> dict[str, str]:
    return {"Content-Disposition": f'{disposition}; filename="{name}"', "Cache-Control": "no-store"}
