import socket

import pytest
from fastapi.testclient import TestClient

from app.application import build_app
from app.catalog import scan
from app.middleware.hosts import Hosts
from app.middleware.stack import SecuritySettings
from tests.app.conftest import error_of
from tests.conftest import EXPORTS


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


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(build_app(scan(EXPORTS), security=SecuritySettings(Hosts.of("127.0.0.1", ["testserver"]))))


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Host": "evil.example"}, (400, "UnknownHost")),
        ({"X-Forwarded-Host": "evil.example"}, (400, "UnknownHost")),
        ({"Origin": "http://evil.example"}, (403, "OtherSite")),
        ({"Origin": "null"}, (403, "OtherSite")),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, (403, "OtherSite")),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, None),
        ({"Origin": "http://testserver"}, None),
    ],
)
def test_pages_of_other_sites_are_refused_and_our_own_and_links_answered(client, headers: dict, error) -> None:
    response = client.get("/models", headers=headers)
    assert (error_of(response) if response.is_error else None) == error
