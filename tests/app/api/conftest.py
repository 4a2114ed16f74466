import pytest
from fastapi.testclient import TestClient

from app.application import build_app
from app.catalog import scan
from tests.conftest import EXPORTS, some_exports


@pytest.fixture(scope="session")
def all_but_alexnet(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """An app with every shipped model but AlexNets, which take seconds to compare and explain."""
    quick = [path.stem for path in EXPORTS.glob("*mnist-*.onnx") if "alexnet" not in path.stem]
    catalog = scan(some_exports(tmp_path_factory.mktemp("exports"), quick))
    return TestClient(build_app(catalog, "cpu"), raise_server_exceptions=False)
