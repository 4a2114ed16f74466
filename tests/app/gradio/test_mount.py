import pytest

from app.application import build_app
from app.catalog import scan
from tests.conftest import EXPORTS


def test_mcp_without_its_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gradio.mount.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'gradio\[mcp\]'"):
        build_app(scan(EXPORTS), mcp=True)
