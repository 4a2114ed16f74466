"""``POST /classify``: one picture, one answer."""

import time

from fastapi import APIRouter

from app.api.answers import Answer
from app.api.desk import ThePicture

router = APIRouter()


@router.post("/classify")
def classify(asked: ThePicture) -> Answer:
    """Classify one picture: `curl -F image=@five.png -F model=mnist-convnet localhost:7860/classify`."""
    [prediction] = asked.classifier.predict([asked.picture])
    return Answer.of(prediction, asked.model, asked.classifier, 1000 * (time.perf_counter() - asked.started))
