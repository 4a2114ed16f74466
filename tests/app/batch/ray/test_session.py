import socket
import sys
import time
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest

import app
import inkwear
from app.batch.ray import session
from app.batch.ray.worker import ClusterError
from tests.conftest import ROOT


def test_addresses_where_no_cluster_is() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{probe.getsockname()[1]}"
    started = time.monotonic()
    for address, reason in ((closed, "nobody answers there"), ("ray://head:10001", "give HOST:PORT"), ("head", "give")):
        with pytest.raises(ClusterError, match=f"--ray-address {address}: {reason}"):
            session.check_address(address)
    assert time.monotonic() - started < 20, "Ray itself would wait for long"


def test_a_cluster_that_answers_too_late_is_asked_again(ray_installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    calls: list[str] = []

    def late(runtime_env: dict[str, Any], **options: object) -> None:
        assert runtime_env["py_modules"] == [app, inkwear]
        runtime_env["py_modules"] = ["gcs://app.zip", "gcs://inkwear.zip"]  # as Ray does, for this cluster alone
        calls.append("init")
        if late_answers:
            raise RuntimeError(f"Stack dump:\n{late_answers.pop()}.")

    monkeypatch.setattr(ray, "init", late)
    monkeypatch.setattr(ray, "shutdown", lambda: calls.append("shutdown"))
    monkeypatch.setattr(session, "SECONDS_BETWEEN_TRIES", 0.0)
    late_answers = ["The node timed out"] * 2
    with session.connected("10.0.0.1:6379"):
        assert calls == ["init", "shutdown", "init", "shutdown", "init"]
    late_answers = ["The node timed out"] * 3
    reason = r"10\.0\.0\.1:6379: this cluster cannot be joined \(The node timed out\)\."
    with pytest.raises(ClusterError, match=reason), session.connected("10.0.0.1:6379"):
        pass
    assert calls[-2:] == ["init", "shutdown"]


def test_the_packages_travel_without_what_lies_beside_them(two_machines: Any) -> None:
    import ray

    def shipped() -> list[Path]:
        elsewhere = [entry for entry in sys.path if entry and not Path(entry).is_relative_to(ROOT)]
        specs = [PathFinder.find_spec(name, elsewhere) for name in ("app", "inkwear")]
        return [path for spec in specs if spec for path in Path(spec.origin).parent.rglob("*") if path.is_file()]

    with session.connected(two_machines.address):
        paths = ray.get(ray.remote(shipped).remote())
    assert {"ray/worker.py", "inkwear/classifier.py"} <= {"/".join(path.parts[-2:]) for path in paths}
    assert {path.suffix for path in paths} <= {".py", ".pyc"}
