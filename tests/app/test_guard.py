"""The guard: what it lets in, what it answers, and what nobody gets by it."""

import asyncio
import base64
import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from app import guard
from app.application import build_app
from app.catalog import scan
from app.guard import EXACT, Guard, Hosts, Keys, Rules, hashed
from app.logs import JsonLines
from app.metrics import Metrics
from tests.conftest import EXPORTS, RunningApp, start_app
from tests.hostile import CANARY, Attack, apart, attacks, path_attacks, request, send, send_all


@pytest.fixture(scope="module")
def client() -> TestClient:
    rules = Rules(Hosts.of("127.0.0.1", ["testserver"]))
    return TestClient(build_app(scan(EXPORTS), rules=rules), raise_server_exceptions=False)


def code(response: httpx.Response) -> str:
    """The code of an error in the one form, whose id is that of the header."""
    error = response.json()["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == response.headers["x-request-id"]
    return error["code"]


# ------------------------------------------------------------------------------------------------------------- routes


@pytest.mark.parametrize(
    "path",
    [
        *("/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://127.0.0.1:9/", "/gradio_api/vibe-code", "/docs"),
        *("/page/..%2f..%2fserver.py", "/page/js/%2e%2e/words.json", "/static/%66onts", "/page/.hidden", "/page//js"),
        *("/models/a%2fb/card", "/models/%2e%2e%5cx/card%00", "/gradio_api/mcp/sse", "/monitoring", "/login"),
    ],
)
def test_what_nobody_needs_is_not_there(client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, code(response)) == (404, "NotFound")


def test_another_method_is_told_which_there_are(client) -> None:
    response = client.delete("/models")
    assert (response.status_code, code(response), response.headers["allow"]) == (405, "MethodNotAllowed", "GET")


def test_every_route_of_ours_is_let_in(client) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        address = path.replace("{name}", "mnist-lenet").replace("{id}", "abc")
        for method in methods:
            response = client.request(method, address)
            assert response.status_code == 200 or code(response) not in ("NotFound", "MethodNotAllowed"), path


def test_a_person_gets_a_page_and_a_program_json(client) -> None:
    page = client.get("/nothing", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "404 NotFound" in page.text
    assert client.get("/nothing").headers["content-type"] == "application/json"


def test_errors_from_behind_have_the_same_form(client) -> None:
    assert code(client.get("/models/nobody/card")) == "UnknownModelError"
    assert code(client.get("/page/js/nobody.js")) == "NotFound"
    form = {"Content-Type": "multipart/form-data; boundary=edge"}
    for path, said in (("/gradio_api/upload", "gradio upload: the request"), ("/compare", "The form cannot be read (")):
        torn = client.post(path, content=b"zzz", headers=form)
        assert code(torn) == "BadRequest"
        assert torn.json()["error"]["message"].startswith(said)


def test_gradios_page_sees_no_parameters(client) -> None:
    assert client.get("/?page=nobody&deep_link=../../x").status_code == 200  # bare Gradio: 500


# ------------------------------------------------------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/classify", "application/json", 415),
        ("/classify", "text/html", 415),
        ("/explain", "image/png", 415),
        ("/gradio_api/run/classify", "text/plain", 415),
        ("/classify", "image/png", 422),
    ],
)
def test_other_media_types_are_named(client, path: str, kind: str, status: int) -> None:
    response = client.post(path, content=b"hello", headers={"Content-Type": kind})
    assert response.status_code == status
    assert status != 415 or (code(response) == "UnsupportedMediaType" and kind in response.text)


@pytest.mark.parametrize(
    ("payload", "status", "reason"),
    [
        (b"{", 400, "The body is not JSON"),
        (b"[" * 50_000, 400, "The body is not JSON"),
        (b'{"data": [{"path": "/tmp/x"}, "\\ud800"]}', 400, "lone surrogates"),
        (b"5", 422, "data: a list is expected"),
        (b'{"data": [5]}', 422, "image: an uploaded file is expected"),
        (b'{"data": [{"path": "http://127.0.0.1:9/x.png"}]}', 422, "nothing is fetched from elsewhere"),
        (b'{"data": [{"path": "data:image/png;base64,AA"}]}', 422, "nothing is fetched from elsewhere"),
        (b'{"data": [{"path": "/etc/passwd"}]}', 422, "nothing is fetched from elsewhere"),
        (b'{"data": [{"path": "x"}, ["mnist-lenet"]]}', 422, "model: a name is expected"),
        (b'{"data": [{"path": "x"}, "", "tpu"]}', 422, "an uploaded file is expected"),
    ],
)
def test_calls_of_gradio_are_looked_through(client, payload: bytes, status: int, reason: str) -> None:
    head = {"Content-Type": "application/json"}
    response = client.post("/gradio_api/run/classify", content=payload, headers=head)
    assert response.status_code == status
    assert reason in response.json()["error"]["message"]
    code(response)


@pytest.mark.parametrize(
    "change", [{"fn_index": 7}, {"fn_index": "0"}, {"session_hash": "../x"}, {"session_hash": None}]
)
def test_a_place_in_the_queue_needs_a_function_and_a_session(client, change: dict) -> None:
    payload = {"data": [{"path": "x"}, "", ""], "fn_index": 0, "session_hash": "abc"} | change
    assert code(client.post("/gradio_api/queue/join", json=payload)) in ("NotFound", "RequestError")


def test_a_body_is_measured_by_its_word_and_by_its_weight(client) -> None:
    head = {"Content-Type": "application/json"}
    told = client.post("/gradio_api/run/classify", content=b"[" * 64_001, headers=head)
    streamed = client.post("/gradio_api/run/classify", content=iter([b"[" * 40_000] * 2), headers=head)
    none = client.request("GET", "/models", content=b"hello")
    assert [each.status_code for each in (told, streamed, none)] == [413] * 3
    assert {code(each) for each in (told, streamed, none)} == {"TooLargeError"}


def test_nothing_is_fetched_even_if_gradio_were_asked(client) -> None:
    from gradio import processing_utils

    with pytest.raises(ValueError, match="nothing is fetched"):
        processing_utils.ssrf_protected_download("http://127.0.0.1:9/x.png", "/nowhere")


# ------------------------------------------------------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("host", "also", "asked", "accepted"),
    [
        ("127.0.0.1", (), "localhost:7860", True),
        ("127.0.0.1", (), "[::1]:7860", True),
        ("127.0.0.1", (), "LOCALHOST.", True),
        ("127.0.0.1", (), "evil.example", False),
        ("127.0.0.1", (), "127.0.0.1.evil.example", False),
        ("127.0.0.1", (), "192.168.1.5:7860", False),
        ("127.0.0.1", (), "", False),
        ("127.0.0.1", ("ink.example",), "ink.example", True),
        ("0.0.0.0", (), "192.168.1.5:7860", True),
        ("0.0.0.0", (), "[fe80::1]:7860", True),
        ("0.0.0.0", (), "evil.example:7860", False),
        ("0.0.0.0", (), socket.gethostname(), True),
        ("127.0.0.1", ("*",), "evil.example", True),
    ],
)
def test_the_server_answers_to_its_own_names(host: str, also: tuple, asked: str, accepted: bool) -> None:
    assert Hosts.of(host, also).accept(asked) is accepted


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        ({"Host": "evil.example"}, 400, "UnknownHost"),
        ({"X-Forwarded-Host": "evil.example"}, 400, "UnknownHost"),
        ({"Origin": "http://evil.example"}, 403, "OtherSite"),
        ({"Origin": "null"}, 403, "OtherSite"),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403, "OtherSite"),
        ({"Origin": "http://testserver"}, 200, ""),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200, ""),
    ],
)
def test_pages_of_other_sites_are_refused(client, headers: dict, status: int, expected: str) -> None:
    response = client.get("/models", headers=headers)
    assert response.status_code == status
    assert status == 200 or code(response) == expected


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize("given", ["ann:sécret:x", "file"])
def test_with_auth_only_who_has_the_password_comes_in(tmp_path: Path, given: str) -> None:
    if given == "file":
        (tmp_path / "people").write_text(f"\n{hashed('ann', 'sécret:x')}\n{hashed('bob', 'other')}\n")
        given = str(tmp_path / "people")
        assert "sécret" not in (tmp_path / "people").read_text()
    client = TestClient(build_app(scan(EXPORTS), rules=Rules(keys=Keys(given))))
    asked = client.get("/models")
    assert (asked.status_code, code(asked)) == (401, "Unauthorized")
    assert asked.headers["www-authenticate"].startswith("Basic")
    for wrong in (basic("ann", "wrong"), basic("eve", "sécret:x"), basic("ann", ""), {"Authorization": "Basic ???"}):
        assert client.get("/nothing", headers=wrong).status_code == 401
    for path in ("/models", "/", "/config", "/metrics"):
        assert client.get(path, headers=basic("ann", "sécret:x")).status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.post("/classify", content=b"hello", headers={"Content-Type": "image/png"}).status_code == 401


@pytest.mark.parametrize("content", ["ann:secret", "ann:scrypt$zz$00", ":scrypt$00$00", "\n"])
def test_an_auth_file_without_hashes_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "people").write_text(content)
    with pytest.raises(ValueError, match=r"python -m app\.guard NAME"):
        Keys(str(tmp_path / "people"))


def test_only_a_few_passwords_are_checked_at_once() -> None:
    keys = Keys("ann:secret")

    async def all_at_once() -> list[int]:
        tries = [keys.check(f"Basic {base64.b64encode(f'ann:{n}'.encode()).decode()}".encode()) for n in range(12)]
        return [each.status for each in await asyncio.gather(*tries, return_exceptions=True)]

    statuses = apart(all_at_once())
    assert (statuses.count(401), statuses.count(429)) == (Keys.MOST_CHECKS, 12 - Keys.MOST_CHECKS)


# ------------------------------------------------------------------------------------------------------------- places


async def _waits(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def visits(guarded: Guard, clients: list[str], path: str = "/classify") -> list[int]:
    """The statuses of requests that arrive together."""

    async def one(client: str) -> int:
        sent: list[dict] = []
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": [(b"host", b"localhost")], "client": (client, 1)}

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict) -> None:
            sent.append(message)

        await guarded(scope, receive, send)
        return sent[0]["status"]

    async def everybody() -> list[int]:
        return await asyncio.gather(*map(one, clients))

    return apart(everybody())


def test_places_are_bounded_and_nobody_has_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_WORK", 8)
    metrics = Metrics()
    guarded = Guard(_waits, Rules(), metrics)
    assert sorted(visits(guarded, ["a"] * 6)) == [200] * 4 + [429] * 2
    assert sorted(visits(guarded, ["a"] * 4 + ["b"] * 4 + ["c"] * 2)) == [200] * 8 + [503] * 2
    assert visits(guarded, ["a"]) == [200]
    assert (metrics.working, metrics.held, dict(guarded._places)) == (0, 0, {})
    assert metrics.requests["classify", 200] == 13


def test_an_error_of_ours_is_logged_with_its_request_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the secret")

    response = TestClient(Guard(fails, Rules(), Metrics())).get("/models", headers={"X-Request-ID": "mine-7"})
    assert (response.status_code, code(response)) == (500, "InternalError")
    assert "secret" not in response.text
    assert "mine-7" in caplog.text


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", ""])
def test_a_strange_request_id_is_not_taken(client, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"] != given


# ---------------------------------------------------------------------------------------------------------------- log


def test_a_request_is_one_line_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "inkwear.requests")
    client = TestClient(build_app(scan(EXPORTS), rules=Rules(log_requests=True)))
    client.post("/classify?name=private.png&model=secret", files={"image": ("private.png", b"hello")})
    [record] = [each for each in caplog.records if each.name == "inkwear.requests"]
    line = json.loads(JsonLines().format(record))
    assert (line["route"], line["status"], line["code"]) == ("classify", 404, "UnknownModelError")
    assert {"time", "level", "request_id", "milliseconds", "bytes"} <= set(line)
    assert "private" not in caplog.text
    assert "secret" not in caplog.text


def test_a_picture_that_breaks_us_is_logged_by_its_request_and_not_by_its_name(
    client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(data: bytes, name: str) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("app.api.classify_batch.open_picture", breaks)
    files = [("images", ("private.png", b"hello"))]
    lines = client.post("/classify/many", files=files, headers={"X-Request-ID": "mine-8"}).text.splitlines()
    assert "an error of ours" in json.loads(lines[0])["error"]["message"]
    assert "Picture 0 of request mine-8" in caplog.text
    assert "private" not in caplog.text


# ------------------------------------------------------------------------------------------------------------ headers


def test_the_headers_are_on_every_answer(client) -> None:
    for response in (client.get("/"), client.get("/models"), client.get("/nothing"), client.get("/page/words.json")):
        policy = response.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["permissions-policy"].startswith("camera=(self)")


def test_scripts_of_the_page_run_and_no_others(browser, app_url: str) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(app_url)
    page.wait_for_selector(".studio .model option", state="attached")
    assert not [text for text in said if "Content Security Policy" in text]
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.evil = 1\">')")
    page.wait_for_timeout(300)
    assert page.evaluate("window.evil") is None
    assert [text for text in said if "Content Security Policy" in text]
    page.close()


# ------------------------------------------------------------------------------------------------- the real process


class Canary:
    """A server that nobody may ask for anything, and that counts who does."""

    def __init__(self) -> None:
        self.asked = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                asking, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1  # before whoever asks hears anything
            asking.close()


@pytest.fixture(scope="module")
def hostage() -> Iterator[RunningApp]:
    app = start_app("--device", "cpu")
    yield app
    app.process.terminate()
    assert app.process.wait(15) == 0
    assert app.process.stderr
    assert "Traceback" not in app.process.stderr.read()


def port_of(app: RunningApp) -> int:
    return int(app.url.rpartition(":")[2])


def test_the_canary_sings() -> None:
    canary = Canary()
    socket.create_connection(("127.0.0.1", int(canary.url.rpartition(":")[2]))).recv(1)
    assert canary.asked == 1


def test_hostile_requests_are_answered_and_change_nothing(hostage: RunningApp) -> None:
    canary = Canary()
    sent = [attack for attack in attacks(400, 8, canary.url) if not attack.slow]
    replies = apart(send_all(port_of(hostage), sent))
    for attack, reply in zip(sent, replies, strict=True):
        assert reply.status < 500, attack
        assert reply.status or attack.kind == "broken", attack
        assert reply.status < 400 or reply.explained or attack.data.startswith(b"HEAD"), (attack, reply)
        assert CANARY not in reply.body.decode(errors="replace"), attack
    assert canary.asked == 0
    assert httpx.get(f"{hostage.url}/healthz").json() == {"status": "ok"}


def test_no_path_leads_out_and_no_address_is_asked(hostage: RunningApp) -> None:
    canary = Canary()
    sent = [*path_attacks(canary.url)]
    assert len(sent) >= 300
    replies = apart(send_all(port_of(hostage), sent))
    for attack, reply in zip(sent, replies, strict=True):
        assert reply.status in (400, 403, 404, 405), (attack, reply)
        assert reply.explained
    assert canary.asked == 0


def test_a_body_that_pauses_is_given_up(hostage: RunningApp) -> None:
    head = {"Content-Type": "image/png", "Content-Length": "1000"}
    slow = [
        Attack("slow", request("POST", "/classify", headers=head), slow=True),
        Attack("slow", b"GET /models HTTP/1.1\r\nHost: ", slow=True),
    ]
    replies = apart(send_all(port_of(hostage), slow))
    assert [(reply.status, reply.explained) for reply in replies] == [(408, True)] * 2


def test_a_refused_upload_hears_why(hostage: RunningApp) -> None:
    """Whoever sends first and listens later must not meet a closed connection instead of the answer."""
    body = b"x" * 3_000_000
    head = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    reply = apart(send(port_of(hostage), Attack("huge", request("POST", "/classify", body, head))))
    assert reply.status == 415


def test_every_route_is_somebodys(client) -> None:
    """The allow-list holds nothing that has gone: whatever is on it is answered by more than a 404."""
    for path, route in EXACT.items():
        if path != "/gradio_api/queue/data" and "GET" in route.methods:
            assert client.get(path).status_code != 404 or path == "/manifest.json", path
