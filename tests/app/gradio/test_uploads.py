import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.gradio import uploads
from tests.conftest import ROOT, RunningApp, running_app, start_app

FIVE = b"\x89PNG not really"


def stored(place: Path) -> list[bytes]:
    return [path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != uploads.LOCK]


def upload(app: RunningApp) -> None:
    assert httpx.post(f"{app.url}/gradio_api/upload", files={"files": ("five.png", FIVE)}).status_code == 200


@pytest.mark.slow
def test_uploads_go_with_their_process_or_after_a_kill_with_the_next_start(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path)}
    with running_app("--device", "cpu", env=environment) as living:
        killed = start_app("--device", "cpu", env=environment)
        upload(killed)
        upload(living)
        killed.process.kill()
        killed.process.wait()
        assert stored(tmp_path) == [FIVE, FIVE]
        assert {folder.stat().st_mode & 0o777 for folder in tmp_path.glob("inkwear-*")} == {0o700}
        command = [sys.executable, "-c", "from app.gradio.uploads import upload_folder; print(upload_folder())"]
        subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True, capture_output=True)
        assert stored(tmp_path) == [FIVE]
        assert len([*tmp_path.glob("inkwear-*")]) == 1
    assert living.process.returncode == 0
    assert [*tmp_path.glob("inkwear-*")] == []


def test_only_folders_of_ours_that_nobody_holds_are_leftovers(tmp_path: Path) -> None:
    old, young, foreign = (tmp_path / name for name in ("inkwear-old", "inkwear-young", "other-folder"))
    for folder in (old, young, foreign):
        folder.mkdir()
        (folder / "five.png").write_bytes(FIVE)
    (tmp_path / "inkwear-link").symlink_to(foreign)
    past = time.time() - 3600
    os.utime(old, (past, past))
    uploads.remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"inkwear-young", "other-folder", "inkwear-link"}
    assert (foreign / "five.png").exists()


def test_the_sweep_takes_what_nobody_has_used_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "upload_folder", lambda: tmp_path)
    (tmp_path / uploads.LOCK).touch()
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "five.png").write_bytes(FIVE)
    (tmp_path / "broken-off").write_bytes(FIVE)
    assert uploads.stored_bytes() == 3 * len(FIVE)
    past = time.time() - uploads.MAX_UNUSED_SECONDS - 1
    for name in ("old", "broken-off", uploads.LOCK):
        os.utime(tmp_path / name, (past, past))
    with uploads.sweeping(0.05):
        time.sleep(0.5)
    assert {path.name for path in tmp_path.iterdir()} == {"new", uploads.LOCK}


def test_uploads_have_an_end_and_lie_no_longer_than_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "upload_folder", lambda: tmp_path)
    monkeypatch.setattr(uploads, "MAX_STORED_BYTES", 10)
    assert uploads.has_room()
    (tmp_path / "five.png").write_bytes(FIVE)
    assert not uploads.has_room()
    assert uploads.MAX_UNUSED_SECONDS + uploads.SWEEP_SECONDS < 60
