"""What whoever watches the server sees."""

from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.api import health
from app.application import build_app
from app.catalog import scan
from app.gradio.uploads import stored_bytes
from tests.conftest import running_app, some_exports
from tests.hand import png, render


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return some_exports(tmp_path / "exports", ["mnist-lenet"])


def served(exports: Path) -> TestClient:
    return TestClient(build_app(scan(exports), "cpu"))


def samples(client: TestClient) -> dict[tuple, float]:
    """Each sample of /metrics by its name and labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples
    }


def test_ready_is_who_reads_what_is_known_and_who_is_not_says_why(exports: Path) -> None:
    client = served(exports)
    assert client.get("/readyz").json() == {"status": "ready", "model": "mnist-lenet", "device": "cpu"}
    client = served(exports)
    (exports / "mnist-lenet.onnx").write_bytes(b"torn")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["error"]["code"] in ("ModelFileError", "UnknownModelError")
    assert "mnist-lenet" in response.json()["error"]["message"]
    empty = served(exports / "nowhere").get("/readyz")
    assert (empty.status_code, empty.json()["error"]["code"]) == (503, "UnknownModelError")
    assert served(exports).get("/healthz").status_code == 200


@pytest.mark.slow
def test_head_answers_as_get_without_a_body(exports: Path) -> None:
    """Load balancers ask this way; over a socket, as it is the server that leaves the body out."""
    with running_app("--exports", str(exports), "--device", "cpu") as app:
        for path in ("/healthz", "/readyz", "/openapi.json", "/", "/page/words.json"):
            got, headed = httpx.get(app.url + path), httpx.head(app.url + path)
            assert (headed.status_code, headed.content) == (200, b"")
            assert headed.headers["content-type"] == got.headers["content-type"]
    assert served(exports / "nowhere").head("/readyz").status_code == 503


def test_a_model_that_takes_long_to_open_is_not_waited_for(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MAX_OPENING_SECONDS", 0)
    response = served(exports).get("/readyz")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "NotYet")
    assert response.headers["retry-after"] == "5"


def test_metrics_count_requests_by_outcome_and_know_the_model_and_its_device(exports: Path) -> None:
    client = served(exports)
    for content in (png(render("5")), b"hello", b"hello"):
        client.post("/classify", content=content, headers={"Content-Type": "image/png"})
    found = samples(client)
    assert found["inkwear_requests_total", ("route", "classify"), ("status", "200")] == 1
    assert found["inkwear_requests_total", ("route", "classify"), ("status", "422")] == 2
    assert found["inkwear_request_seconds_count", ("route", "classify")] == 3
    assert found["inkwear_request_seconds_bucket", ("le", "+Inf"), ("route", "classify")] == 3
    for gauge in ("inkwear_requests_in_work", "inkwear_streams_open", "inkwear_bodies_bytes"):
        assert found[gauge,] == 0
    assert found["inkwear_cache_bytes",] == stored_bytes()  # what other tests of this process have left there
    assert found["process_resident_memory_bytes",] > 10_000_000
    assert found["process_open_fds",] > 3
    [info] = [dict(labels[1:]) for labels in found if labels[0] == "inkwear_model_info"]
    entry, classifier = client.app.state.inkwear.catalog.choose(None, "cpu")
    assert (info["model"], info["digest"]) == (entry.name, classifier.digest)
    assert (info["asked"], info["device"], info["provider"]) == ("cpu", "cpu", "CPUExecutionProvider")


def test_two_apps_in_one_process_have_a_registry_each(exports: Path) -> None:
    for client in (served(exports), served(exports)):
        response = client.get("/metrics")
        assert (response.status_code, response.headers["content-type"][:10]) == (200, "text/plain")
