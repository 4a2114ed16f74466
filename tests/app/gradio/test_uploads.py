"""What becomes of uploads."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.gradio import uploads
from tests.conftest import ROOT, RunningApp, start_app

FIVE = b"\x89PNG not really"


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    """A folder for temporary files, which is to be empty in the end."""
    return {"TMPDIR": str(tmp_path)}


def stored(place: dict[str, str]) -> list[Path]:
    return [path for path in Path(place["TMPDIR"]).rglob("*") if path.is_file() and path.name != uploads.LOCK]


def folders(place: dict[str, str]) -> list[Path]:
    return [*Path(place["TMPDIR"]).glob("inkwear-*")]


def upload(app: RunningApp) -> None:
    assert httpx.post(f"{app.url}/gradio_api/upload", files={"files": ("five.png", FIVE)}).status_code == 200


def test_uploads_lie_in_a_private_folder_and_go_with_the_process(place: dict[str, str]) -> None:
    app = start_app("--device", "cpu", env=place)
    upload(app)
    assert [path.read_bytes() for path in stored(place)] == [FIVE]
    [folder] = folders(place)
    assert folder.stat().st_mode & 0o777 == 0o700
    app.process.send_signal(signal.SIGTERM)
    assert app.process.wait(15) == 0
    assert folders(place) == []


def test_what_a_killed_process_leaves_goes_at_the_next_start_and_nothing_else(place: dict[str, str]) -> None:
    killed, living = start_app("--device", "cpu", env=place), start_app("--device", "cpu", env=place)
    upload(killed)
    upload(living)
    killed.process.kill()
    killed.process.wait()
    assert len(stored(place)) == 2
    script = "from app.gradio.uploads import upload_folder; print(upload_folder())"
    environment = os.environ | place
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert len(stored(place)) == len(folders(place)) == 1
    living.process.terminate()
    assert living.process.wait(15) == 0
    assert folders(place) == []


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


def test_nothing_lies_longer_than_a_minute() -> None:
    assert uploads.MAX_UNUSED_SECONDS + uploads.SWEEP_SECONDS < 60


def test_uploads_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "upload_folder", lambda: tmp_path)
    monkeypatch.setattr(uploads, "MAX_STORED_BYTES", 10)
    assert uploads.has_room()
    (tmp_path / "five.png").write_bytes(FIVE)
    assert not uploads.has_room()
