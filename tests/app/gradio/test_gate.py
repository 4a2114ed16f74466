import pytest

from app.gradio import gate, uploads
from app.middleware.routes import RouteTable
from tests.app.conftest import error_of, message_of

CALL, JOIN = "run/classify", "queue/join"


@pytest.mark.parametrize(
    ("path", "payload", "status", "reason"),
    [
        (CALL, b"{", 400, "The body is not JSON"),
        (CALL, b"[" * 50_000, 400, "The body is not JSON"),
        (CALL, b'{"data": [{"path": "/tmp/x"}, "\\ud800"]}', 400, "lone surrogates"),
        (CALL, b"5", 422, "data: a list is expected"),
        (CALL, b'{"data": [5]}', 422, "image: an uploaded file is expected"),
        (CALL, b'{"data": [{"path": "http://127.0.0.1:9/x.png"}]}', 422, "nothing is fetched from elsewhere"),
        (CALL, b'{"data": [{"path": "data:image/png;base64,AA"}]}', 422, "nothing is fetched from elsewhere"),
        (CALL, b'{"data": [{"path": "x\\u0000"}]}', 422, "nothing is fetched from elsewhere"),
        (CALL, b'{"data": [{"path": "/etc/passwd"}]}', 422, "nothing is fetched from elsewhere"),
        (CALL, b'{"data": [{"path": "x"}, ["mnist-lenet"]]}', 422, "model: a name is expected"),
        (CALL, b'{"data": [{"path": "x"}, "", "tpu"]}', 422, "an uploaded file is expected"),
        (JOIN, b'{"data": [{"path": "x"}], "session_hash": "abc", "fn_index": 7}', 404, "no such function"),
        (JOIN, b'{"data": [{"path": "x"}], "session_hash": "abc", "fn_index": "0"}', 404, "no such function"),
        (JOIN, b'{"data": [{"path": "x"}], "session_hash": "../x", "fn_index": 0}', 422, "session_hash: up to 64"),
        (JOIN, b'{"data": [{"path": "x"}], "session_hash": null, "fn_index": 0}', 422, "session_hash: up to 64"),
        ("cancel", b"[1]", 422, "session_hash, fn_index and event_id are expected."),
        ("reset", b"[1]", 422, "event_id is expected."),
    ],
)
def test_calls_are_looked_through(client, path: str, payload: bytes, status: int, reason: str) -> None:
    head = {"Content-Type": "application/json"}
    response = client.post(f"/gradio_api/{path}", content=payload, headers=head)
    assert error_of(response)[0] == status
    assert reason in message_of(response)


def test_gradio_sees_what_is_expected_of_a_call_and_no_more() -> None:
    image = {"path": "/tmp/x.png", "url": "http://127.0.0.1:9/", "meta": {"_type": "other"}, "is_stream": True}
    call = {"data": [image, None], "fn_index": 0, "session_hash": "abc", "event_id": "e", "trigger_id": 9, "x": 1}
    data = [{"path": "/tmp/x.png", "meta": {"_type": "gradio.FileData"}}, "", ""]
    assert gate.clean_call(call) == {"data": data}
    assert gate.clean_join(call) == {"data": data, "fn_index": 0, "session_hash": "abc"}
    assert gate.clean_cancel(call) == {"fn_index": 0, "session_hash": "abc", "event_id": "e"}
    assert gate.clean_reset(call) == {"event_id": "e"}


def test_the_page_sees_no_parameters_and_a_stream_its_own(client) -> None:
    assert client.get("/?page=nobody&deep_link=../../x").status_code == 200  # bare Gradio: 500
    response = client.get("/gradio_api/queue/data?session_hash=../x")
    assert error_of(response) == (400, "BadRequest")
    assert message_of(response).startswith("The address has to end in ?session_hash=")


def test_a_full_folder_takes_no_upload(client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_STORED_BYTES", -1)
    response = client.post("/gradio_api/upload", files={"files": ("five.png", b"hello")})
    assert error_of(response) == (503, "Busy")
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("mcp", [True, False])
def test_mcp_is_there_where_it_was_asked_for(mcp: bool) -> None:
    table = RouteTable()
    gate.add_routes(table, mcp)
    assert bool(table.find("/gradio_api/mcp/sse")) is mcp
    assert set(table.find("/gradio_api/mcp/")) == ({"GET", "POST", "DELETE"} if mcp else set())
