"""The rules of the house: which way imports point, what is written once, how large things may be, and how they read."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from app.catalog import scan
from tests.conftest import ROOT

ROOMS = ("app", "inkwear", "models", "training")

ALLOWED = {
    "models": {"models"},
    "inkwear": {"inkwear"},
    "app": {"app", "inkwear"},
    "training": {"training", "models", "inkwear"},
}
"""``models <- training -> inkwear <- app``; exports/ holds artefacts only."""

NOT_IN_THE_APP = {"torch", "torchvision", "onnx"}

NOT_IN_THE_LIBRARY = {"fastapi", "gradio", "starlette", "uvicorn"}


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
        strangers = {name for name in ours if name.split(".")[0] not in ALLOWED[room]}
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


@pytest.mark.parametrize("room", ["app", "inkwear"])
def test_nothing_of_torch_is_imported_where_the_app_runs(room: str) -> None:
    for path in sources(room):
        assert not {name.split(".")[0] for name in imports(path)} & NOT_IN_THE_APP, path


def test_only_its_own_room_imports_gradio() -> None:
    importers = {path for path in sources("app") if "gradio" in {name.split(".")[0] for name in imports(path)}}
    assert {path.parent for path in importers} == {ROOT / "app" / "gradio"}


def test_nothing_of_the_web_is_imported_in_the_library() -> None:
    for path in sources("inkwear"):
        assert not {name.split(".")[0] for name in imports(path)} & NOT_IN_THE_LIBRARY, path


@pytest.mark.slow
def test_the_app_loads_neither_torch_nor_onnx() -> None:
    modules = "app.application, app.predict, app.server, inkwear.classifier, sys"
    script = f"import {modules}; print(sorted(set(sys.modules) & {NOT_IN_THE_APP}))"
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


@pytest.mark.parametrize("literal", ["0.1307", "0.3081", "0.2860", "0.3530"])
def test_mean_and_std_are_written_once(literal: str) -> None:
    holders = [path for room in ROOMS for path in sources(room) if literal in path.read_text()]
    assert [path.relative_to(ROOT).as_posix() for path in holders] == ["training/datasets.py"]


SHOWN = ROOT / "exports" / "snippets"
"""Programs for elsewhere, which must do without our modules; they hold themselves to each file's reference logits."""


@pytest.mark.parametrize(("pattern", "home"), [(r"/=? 255\b", "normalize.py"), (r'convert\("L"\)', "grayscale.py")])
def test_preprocessing_is_written_once(pattern: str, home: str) -> None:
    ours = [path for room in ROOMS for path in sources(room) if path.parent != SHOWN]
    holders = {path for path in ours if re.search(pattern, code_of(path))}
    assert holders == {ROOT / "inkwear" / "preprocess" / home}


def code_of(path: Path) -> str:
    """The source without its strings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
        if isinstance(node, ast.JoinedStr):
            node.values = []
    return ast.unparse(tree).replace("'", '"')


def test_the_results_state_the_numbers_that_the_exports_carry() -> None:
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
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


def test_documents_that_sources_name_are_there() -> None:
    for path in (path for room in ROOMS for path in sources(room)):
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


# ----------------------------------------------------------------------------------------------- circles and sizes


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in ROOMS
    for path in sources(room)
}

TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}

MAX_HIDDEN_IMPORTS = 25
"""Imports of our own modules inside functions; each saves start-up time."""

MAX_LINES = {ast.Module: 400, ast.ClassDef: 200, ast.FunctionDef: 60, ast.AsyncFunctionDef: 60}


def imported_modules(node: ast.AST) -> set[str]:
    """The modules of ours that an import statement loads by name."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & set(MODULES)
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return set()
    submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
    return submodules if len(submodules) == len(node.names) else submodules | ({node.module} & set(MODULES))


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        name: set().union(*(imported_modules(node) for node in ast.walk(tree))) - {name} for name, tree in TREES.items()
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_few_imports_hide_in_functions() -> None:
    hidden = {
        f"{MODULES[name].relative_to(ROOT)}:{node.lineno}"
        for name, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if imported_modules(node)
    }
    assert len(hidden) <= MAX_HIDDEN_IMPORTS, sorted(hidden)


def test_nothing_is_longer_than_a_reader_can_hold() -> None:
    too_long = [
        f"{MODULES[name].relative_to(ROOT)}: {getattr(node, 'name', 'the module')}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if type(node) in MAX_LINES and line_count(node, MODULES[name]) > MAX_LINES[type(node)]
    ]
    assert not too_long


def line_count(node: ast.AST, path: Path) -> int:
    if isinstance(node, ast.Module):
        return len(path.read_text().splitlines())
    assert isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


# ------------------------------------------------------------------------------------------------------ docstrings


def test_a_docstring_is_a_sentence_about_its_own_name() -> None:
    strings = [
        (name, node.value.value)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    assert [pair for pair in strings if pair[1].startswith(("Of ", "The same "))] == []


def test_public_functions_of_three_parameters_describe_them() -> None:
    undescribed = [
        f"{MODULES[name].relative_to(ROOT)}:{node.lineno} {node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
        if len(parameters(node)) >= 3 and not is_command_or_route(node)
        if "Args:" not in (ast.get_docstring(node) or "")
    ]
    assert undescribed == []


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = node.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def is_command_or_route(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether Typer or FastAPI reads the parameters, which are described in their annotations."""
    decorators = {ast.unparse(decorator).partition(".")[0] for decorator in node.decorator_list}
    return bool(decorators & {"cli", "router"})
