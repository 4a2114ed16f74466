import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_the_start_loads_neither_onnx_runtime_nor_opencv() -> None:
    script = "import app.application, app.server, sys; print(sorted(set(sys.modules) & {'onnxruntime', 'cv2'}))"
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
