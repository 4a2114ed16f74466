"""A real process before requests that nobody sends with good intent."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import RunningApp, running_app
from tests.hostile import CANARY, Attack, Reply, apart, attacks, path_attacks, request, send_all
from tests.witness import Canary

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hostage() -> Iterator[RunningApp]:
    with running_app("--device", "cpu") as app:
        yield app
    assert app.process.returncode == 0
    assert app.process.stderr
    assert "Traceback" not in app.process.stderr.read()


def replies(app: RunningApp, sent: list[Attack]) -> list[Reply]:
    return apart(send_all(int(app.url.rpartition(":")[2]), sent))


def test_hostile_requests_are_answered_and_change_nothing(hostage: RunningApp) -> None:
    canary = Canary()
    sent = [attack for attack in attacks(400, 8, canary.url) if not attack.slow]
    for attack, reply in zip(sent, replies(hostage, sent), strict=True):
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
    for attack, reply in zip(sent, replies(hostage, sent), strict=True):
        assert reply.status in (400, 403, 404, 405), (attack, reply)
        assert reply.explained
    assert canary.asked == 0


def test_what_pauses_is_given_up(hostage: RunningApp) -> None:
    head = {"Content-Type": "image/png", "Content-Length": "1000"}
    body = Attack("slow", request("POST", "/classify", headers=head), slow=True)
    line = Attack("slow", b"GET /models HTTP/1.1\r\nHost: ", slow=True)
    assert [(reply.status, reply.explained) for reply in replies(hostage, [body, line])] == [(408, True)] * 2


def test_a_refused_upload_hears_why(hostage: RunningApp) -> None:
    """Whoever sends first and listens later must not meet a closed connection instead of the answer."""
    body = b"x" * 3_000_000
    head = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    [reply] = replies(hostage, [Attack("huge", request("POST", "/classify", body, head))])
    assert reply.status == 415
