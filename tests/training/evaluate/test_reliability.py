from pathlib import Path

from tests.training.commands import invoke
from training.evaluate.__main__ import cli


def test_evaluate_says_how_far_an_export_can_be_trusted(export: Path, real_data: Path) -> None:
    output = invoke(cli, str(export), "--trust", "--count=40", f"--data-dir={real_data}")
    values = {line.split("  ")[1]: float(line.split("  ")[0]) for line in output.splitlines()}
    assert 0 < values["calibration error"] < 1
    assert 0.3 < values["AUROC against noise"] <= 1
