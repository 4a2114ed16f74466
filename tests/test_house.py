"""The rules of the house: which way imports point, what is written once, and that the README's tree is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.api import PARTS
from app.catalog import scan
from app.guard import EXACT, PATTERNS
from tests.conftest import ROOT

ROOMS = ("app", "exports", "models", "training")

ALLOWED = {
    "models": {"models"},
    "exports": {"exports"},
    "app": {"app", "exports"},
    "training": {"training", "models", "exports", "app.classifier"},
}
"""Which rooms each room may import; of the app, training may use the classifier alone."""

NOT_IN_THE_APP = {"torch", "torchvision", "onnx"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_imports_follow_the_arrows(room: str) -> None:
    for path in sources(room):
        ours = {name for name in imports(path) if name.split(".")[0] in ROOMS}
        strangers = {name for name in ours if name not in ALLOWED[room] and name.split(".")[0] not in ALLOWED[room]}
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


@pytest.mark.parametrize("room", ["app", "exports"])
def test_nothing_of_torch_is_imported_where_the_app_runs(room: str) -> None:
    for path in sources(room):
        assert not {name.split(".")[0] for name in imports(path)} & NOT_IN_THE_APP, path


def test_the_app_loads_neither_torch_nor_onnx() -> None:
    script = f"import app.api, app.predict, app.server, sys; print(sorted(set(sys.modules) & {NOT_IN_THE_APP}))"
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


@pytest.mark.parametrize("literal", ["0.1307", "0.3081", "0.2860", "0.3530"])
def test_mean_and_std_are_written_once(literal: str) -> None:
    holders = [path for room in ROOMS for path in sources(room) if literal in path.read_text()]
    assert [path.relative_to(ROOT).as_posix() for path in holders] == ["training/datasets.py"]


SHOWN = ROOT / "exports" / "snippets"
"""Programs for elsewhere, which must do without our modules; they hold themselves to each file's reference logits."""


@pytest.mark.parametrize(("pattern", "home"), [(r"/=? 255\b", "preprocessing.py"), (r'convert\("L"\)', "grayscale.py")])
def test_preprocessing_is_written_once(pattern: str, home: str) -> None:
    ours = [path for room in ROOMS for path in sources(room) if path.parent != SHOWN]
    holders = {path for path in ours if re.search(pattern, code_of(path))}
    assert holders == {ROOT / "exports" / home}


def code_of(path: Path) -> str:
    """The source without its strings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
        if isinstance(node, ast.JoinedStr):
            node.values = []
    return ast.unparse(tree).replace("'", '"')


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_readme_states_the_numbers_that_the_exports_carry(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    for entry in scan(ROOT / "exports").entries.values():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{entry.name}`"))
        metrics = entry.metadata.metrics
        for number in (
            f"{100 * metrics['test_accuracy']:.2f} %",
            f"{100 * metrics['validation_accuracy']:.2f} %",
            f"{metrics['parameters']:,.0f}",
            f"{entry.bytes / 1000:,.0f} kB",
        ):
            assert number in row


def test_the_readme_tree_names_every_file_and_no_other() -> None:
    tree = re.search(r"```text\n(inkwear/.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert tree is not None
    named, folders = set(), []
    for line in tree[1].splitlines()[1:]:
        match = re.match(r"^((?:│   |    )*)[├└]── (\S+)", line)
        assert match, line
        depth, name = len(match[1]) // 4, match[2]
        folders[depth:] = [name.rstrip("/")]
        if not name.endswith("/"):
            named.add("/".join(folders))
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    made = ("docs/preprocessing/", "docs/page/", "app/page/examples/", "exports/reports/")  # by a command
    listed = [name for name in listed if not name.startswith(made)]
    ours = {name for name in listed if not name.startswith("tests/") and not name.endswith("__init__.py")}
    named = {name for name in named if not name.startswith("tests/") and not name.endswith("__init__.py")}
    assert named == ours


def test_contributing_names_constants_that_stand_in_the_files_it_names() -> None:
    for paragraph in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n\n"):
        named = [ROOT / name for name in re.findall(r"`([\w/]+/[\w/.]+\.py)`", paragraph)]
        files = [file for file in named if file.exists()]  # models/vgg.py is for whoever adds it
        for constant in re.findall(r"`([A-Z][A-Z_]{2,})`", paragraph):
            assert any(re.search(rf"^{constant}\b", file.read_text(), re.MULTILINE) for file in files), constant


def test_every_address_of_an_endpoint_is_in_the_table_of_the_guard() -> None:
    for part in PARTS:
        for route in part.router.routes:
            path = re.sub(r"\{\w+\}", "x", route.path)
            rules = [EXACT.get(path), *(rule for pattern, rule in PATTERNS if pattern.fullmatch(path))]
            assert any(rule and route.methods <= rule.methods for rule in rules), f"{route.methods} {route.path}"


def test_documents_that_sources_name_are_there() -> None:
    for path in (path for room in (*ROOMS, "tests") for path in sources(room)):
        for name in re.findall(r"\bdocs/[\w./-]*\w", path.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{path.relative_to(ROOT)} names {name}"


def test_what_torch_reads_is_never_executed() -> None:
    calls = [
        (path, node)
        for room in ROOMS
        for path in sources(room)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert calls
    assert all("weights_only=True" in ast.unparse(node) for _, node in calls), calls
