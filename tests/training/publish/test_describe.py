import dataclasses

import pytest

from training.checkpoint import Checkpoint
from training.publish.describe import describe_recipe


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ({}, "--batch-size 32 --seed 1"),
        ({"validation_size": 100}, "--validation-size 100"),
        (
            {
                "extra_images": "digits.npz f1f026d6fb4d, photos.npz 34d3444b2c4e",
                "start_from": "mnist-convnet after 3 epochs",
                "teacher": "mnist-sturdy-tuned after 4 epochs",
            },
            "--seed 1 --extra-images data/digits.npz --extra-images data/photos.npz --start-from "
            "models/checkpoints/mnist-convnet/best.pt --teacher models/checkpoints/mnist-sturdy-tuned/best.pt",
        ),
        (
            {"start_from": "a.onnx 34d3444b2c4e", "teacher": "b.onnx f1f026d6fb4d", "strength": 0.5},
            "--seed 1 --strength 0.5 --start-from exports/a.onnx --teacher exports/b.onnx",
        ),
    ],
)
def test_the_command_names_all_that_a_run_was_trained_with(trained: Checkpoint, options: dict, ending: str) -> None:
    recipe = describe_recipe(dataclasses.replace(trained, config=trained.config | options))
    assert recipe["command"].startswith("python -m training.train --dataset mnist --model convnet --recipe default")
    assert recipe["command"].endswith(ending)
