import pytest
from starlette.routing import Route

from app.api import models
from app.gradio.gate import ROUTES
from app.middleware.limits import RouteLimits
from app.middleware.routes import RouteTable
from tests.app.conftest import error_of


@pytest.mark.parametrize(
    "path",
    [
        *("/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://127.0.0.1:9/", "/gradio_api/vibe-code", "/docs"),
        *("/page/..%2f..%2fserver.py", "/page/js/%2e%2e/words.json", "/static/%66onts", "/page/.hidden", "/page//js"),
        *("/models/a%2fb/card", "/models/%2e%2e%5cx/card%00", "/gradio_api/mcp/sse", "/monitoring", "/login"),
    ],
)
def test_what_nobody_needs_is_not_there(client, path: str) -> None:
    assert error_of(client.get(path)) == (404, "NotFound")


def test_another_method_is_told_which_there_are(client) -> None:
    response = client.delete("/models")
    assert error_of(response) == (405, "MethodNotAllowed")
    assert response.headers["allow"] == "GET"


def test_every_endpoint_is_let_in(client) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        address = path.replace("{name}", "mnist-lenet").replace("{id}", "abc")
        for method in methods:
            response = client.request(method, address)
            assert response.status_code == 200 or error_of(response)[1] not in ("NotFound", "MethodNotAllowed"), path


@pytest.mark.parametrize("path", [path for path, methods, limits in ROUTES if "GET" in methods and "{" not in path])
def test_every_route_of_gradio_that_is_let_in_is_there(client, path: str) -> None:
    if path not in ("/gradio_api/queue/data", "/manifest.json"):  # a stream; only where the page is an app of a phone
        assert client.get(path).status_code != 404


def test_an_endpoint_without_limits_is_a_mistake_that_is_told() -> None:
    with pytest.raises(TypeError, match=r"/five: .* declares no limits"):
        RouteTable().add_endpoints([Route("/five", lambda request: None)])


def test_parameters_match_what_they_are_meant_for() -> None:
    table = RouteTable()
    table.add_endpoints(models.router.routes)
    for name, address in (("card", "/models/{name}/card"), ("page", "/page/{file:path}"), ("beat", "/beat/{id:token}")):
        table.add(address, ["GET"], RouteLimits(name))
    found = {
        "/models": "models",
        "/models/my model.onnx/card": "card",
        "/page/js/main.js": "page",
        "/beat/abc-1": "beat",
    }
    for path, name in found.items():
        assert [limits.name for limits in table.find(path).values()] == [name]
    assert not any(map(table.find, ("/models/a/b/card", "/page/../main.js", "/beat/{id:token}")))
