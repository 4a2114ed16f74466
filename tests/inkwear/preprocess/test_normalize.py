import numpy as np
import pytest

from inkwear.preprocess.steps import InputSpec, normalize, unsqueeze

SPEC = InputSpec(mean=0.25, std=0.5, box=20, centering="mass", full_range=True, stroke=(1.9, 2.7), even_lighting=True)


def test_normalize_scales_as_in_training() -> None:
    images = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_allclose(normalize(images, SPEC), [[-0.5, -0.1, 1.5]], rtol=1e-6)
    assert normalize(images, SPEC).dtype == np.float32


@pytest.mark.parametrize(("shape", "expected"), [((28, 28), (1, 1, 28, 28)), ((7, 28, 28), (7, 1, 28, 28))])
def test_unsqueeze_adds_what_a_network_expects(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert unsqueeze(np.zeros(shape, np.float32)).shape == expected


@pytest.mark.parametrize("wrong", [{"std": 0}, {"box": 29}, {"box": 0}, {"centering": "left"}])
def test_a_spec_that_cannot_be_is_refused(wrong: dict) -> None:
    values = {name: getattr(SPEC, name) for name in SPEC.__dataclass_fields__}
    with pytest.raises(ValueError, match=f"InputSpec.{next(iter(wrong))}"):
        InputSpec(**values | wrong)
