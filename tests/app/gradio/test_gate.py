import pytest

from app.gradio import gate, uploads
from app.middleware.routes import RouteTable
from tests.app.conftest import error_of, message_of


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
        (b'{"data": [{"path": "x\\u0000"}]}', 422, "nothing is fetched from elsewhere"),
        (b'{"data": [{"path": "/etc/passwd"}]}', 422, "nothing is fetched from elsewhere"),
        (b'{"data": [{"path": "x"}, ["mnist-lenet"]]}', 422, "model: a name is expected"),
        (b'{"data": [{"path": "x"}, "", "tpu"]}', 422, "an uploaded file is expected"),
    ],
)
def test_calls_are_looked_through(client, payload: bytes, status: int, reason: str) -> None:
    head = {"Content-Type": "application/json"}
    response = client.post("/gradio_api/run/classify", content=payload, headers=head)
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


@pytest.mark.parametrize(
    "change", [{"fn_index": 7}, {"fn_index": "0"}, {"session_hash": "../x"}, {"session_hash": None}]
)
def test_a_place_in_the_queue_needs_a_function_and_a_session(client, change: dict) -> None:
    payload = {"data": [{"path": "x"}, "", ""], "fn_index": 0, "session_hash": "abc"} | change
    assert error_of(client.post("/gradio_api/queue/join", json=payload))[1] in ("NotFound", "RequestError")


@pytest.mark.parametrize("path", ["/gradio_api/cancel", "/gradio_api/reset"])
def test_giving_up_takes_an_object(client, path: str) -> None:
    assert error_of(client.post(path, json=[1])) == (422, "RequestError")


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
