import inspect

import pytest

from inkwear import errors

BUILT_IN = {"DeviceError": RuntimeError, "ModelFileError": RuntimeError, "InkwearError": Exception}
"""The built-in base of each error; all others are a ValueError."""


@pytest.mark.parametrize("name", [name for name, _ in inspect.getmembers(errors, inspect.isclass)])
def test_every_error_can_be_caught_as_ours_and_as_a_built_in(name: str) -> None:
    error = getattr(errors, name)
    assert issubclass(error, errors.InkwearError)
    assert issubclass(error, BUILT_IN.get(name, ValueError))
