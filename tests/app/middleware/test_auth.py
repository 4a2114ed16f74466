import asyncio
import base64
import io
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.application import build_app
from app.catalog import scan
from app.middleware.auth import MAX_CHECKS, BasicAuth, hashed, main
from app.middleware.stack import SecuritySettings
from tests.app.conftest import error_of
from tests.conftest import EXPORTS
from tests.hostile import apart


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize("given", ["ann:sécret:x", "file"])
def test_only_a_person_with_the_password_comes_in(tmp_path: Path, given: str) -> None:
    if given == "file":
        (tmp_path / "people").write_text(f"\n{hashed('ann', 'sécret:x')}\n{hashed('bob', 'other')}\n")
        given = str(tmp_path / "people")
        assert "sécret" not in (tmp_path / "people").read_text()
    client = TestClient(build_app(scan(EXPORTS), security=SecuritySettings(basic_auth=BasicAuth(given))))
    asked = client.get("/models")
    assert error_of(asked) == (401, "Unauthorized")
    assert asked.headers["www-authenticate"].startswith("Basic")
    for wrong in (basic("ann", "wrong"), basic("eve", "sécret:x"), basic("ann", ""), {"Authorization": "Basic ???"}):
        assert client.get("/nothing", headers=wrong).status_code == 401
    for path in ("/models", "/", "/config", "/metrics"):
        assert client.get(path, headers=basic("ann", "sécret:x")).status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.post("/classify", content=b"hello", headers={"Content-Type": "image/png"}).status_code == 401


@pytest.mark.parametrize("content", ["ann:secret", "ann:scrypt$zz$00", ":scrypt$00$00", "\n"])
def test_a_file_without_hashes_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "people").write_text(content)
    with pytest.raises(ValueError, match=r"python -m app\.middleware\.auth NAME"):
        BasicAuth(str(tmp_path / "people"))


def test_only_a_few_passwords_are_checked_at_once() -> None:
    basic_auth = BasicAuth("ann:secret")

    async def all_at_once() -> list[int]:
        checks = [basic_auth.check(basic("ann", str(n))["Authorization"].encode()) for n in range(12)]
        return [each.status for each in await asyncio.gather(*checks, return_exceptions=True)]

    statuses = apart(all_at_once())
    assert (statuses.count(401), statuses.count(429)) == (MAX_CHECKS, 12 - MAX_CHECKS)


def test_the_command_prints_a_line_of_the_file(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["auth", "ann"])
    monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
    main()
    (tmp_path / "people").write_text(capsys.readouterr().out)
    apart(BasicAuth(str(tmp_path / "people")).check(basic("ann", "secret")["Authorization"].encode()))
    for wrong in ([], ["--name"], ["ann", "bob"]):
        monkeypatch.setattr(sys, "argv", ["auth", *wrong])
        with pytest.raises(SystemExit, match="NAME"):
            main()
