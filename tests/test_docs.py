"""Whatever README, CONTRIBUTING and docs/ mention exists: paths, links, commands, options, targets of make."""

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from app.batch.inputs.input import CODES
from tests.conftest import EXPORTS, ROOT
from tests.hand import render

READMES = ("README.md", "README.zh.md")

MAX_README_BYTES = 10_000

PAGES = (*READMES, "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))

ROOMS = r"(?:\.ci|app|benchmarks|docs|examples|exports|findings|inkwear|models|tests|training)"

PATH = re.compile(rf"{ROOMS}/[\w.@*/-]*|[\w.-]+\.(?:md|toml)|Makefile")
"""A word that looks like a path inside the project, as seen from its root."""

MADE_BY_A_RUN = ("models/checkpoints/",)
"""Folders that git ignores."""

MODULE = re.compile(r"-m (app|benchmarks|exports|inkwear|models|tests|training)((?:\.\w+)*)(?![\w.])([^`]*)")
"""``python -m MODULE`` with what follows it."""

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Command:
    """A command of ours as a page shows it."""

    module: str
    options: frozenset[str]


@dataclass(frozen=True)
class Page:
    """The parts of a Markdown file."""

    code: list[str]
    """Lines of fenced blocks, without comments; a line that ends in a backslash holds the next one too."""
    spans: list[str]
    """What stands between backticks."""
    links: list[str]

    @classmethod
    def read(cls, name: str) -> "Page":
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        fences = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
        code = [line for block in fences.findall(text) for line in block.splitlines()[1:-1]]
        prose = fences.sub("", text)
        return cls(
            code=[re.sub(r"\s+#.*", "", line) for line in code],
            spans=re.findall(r"`([^`]+)`", prose),
            links=re.findall(r"\]\(([^)\s]+)\)", prose),
        )

    def commands(self) -> list[Command]:
        found = [match for line in (*self.code, *self.spans) for match in MODULE.finditer(line)]
        return [
            Command(first + rest, frozenset(OPTION.findall(arguments)))
            for first, rest, arguments in (match.groups() for match in found)
        ]

    def paths(self) -> set[str]:
        words = [word for line in self.code for word in line.split()] + self.spans
        return {word for word in words if PATH.fullmatch(word) and not word.startswith(MADE_BY_A_RUN)}

    def targets(self) -> set[str]:
        lines = "\n".join((*self.code, *self.spans))
        return set(re.findall(r"^make ([\w./-]+)$", lines, re.MULTILINE))


def exists(path: str) -> bool:
    return any(ROOT.glob(path.rstrip("/"))) if "*" in path else (ROOT / path).exists()


def source(module: str) -> Path | None:
    """The file that ``python -m`` would run."""
    path = ROOT / module.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__main__.py") if file.is_file()), None)


@cache
def options(module: str) -> frozenset[str]:
    """The options of a command: from its --help, or from the source of a benchmark, which loads too much for that."""
    if module.startswith("benchmarks."):
        nodes = list(ast.walk(ast.parse((source(module) or Path()).read_text(encoding="utf-8"))))
        parameters = {f"--{node.arg.replace('_', '-')}" for node in nodes if isinstance(node, ast.arg)}
        texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
        return frozenset(parameters | {text for text in texts if OPTION.fullmatch(text)})
    environment = os.environ | {"COLUMNS": "250", "NO_COLOR": "1", "TERM": "dumb"}
    asked = [sys.executable, "-m", module, "--help"]
    printed = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    return frozenset(OPTION.findall(printed))


@pytest.mark.parametrize("name", READMES)
def test_a_readme_is_short(name: str) -> None:
    assert (ROOT / name).stat().st_size <= MAX_README_BYTES


@pytest.mark.parametrize("name", PAGES)
def test_paths_exist(name: str) -> None:
    missing = {path for path in Page.read(name).paths() if not exists(path)}
    assert not missing


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    inside = [link for link in Page.read(name).links if "://" not in link]
    lost = [link for link in inside if not leads_somewhere(name, link)]
    assert not lost


def leads_somewhere(name: str, link: str) -> bool:
    """Whether a link's file is there, with the heading that it names."""
    path, _, heading = link.partition("#")
    target = (ROOT / name).parent / path if path else ROOT / name
    if not heading:
        return target.exists()
    titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if target.is_file() else []
    return heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_commands_exist(name: str) -> None:
    missing = {command.module for command in Page.read(name).commands() if source(command.module) is None}
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_commands_have_the_options_they_are_shown_with(name: str) -> None:
    shown = [command for command in Page.read(name).commands() if command.options and source(command.module)]
    unknown = {command.module: command.options - options(command.module) for command in shown}
    assert not {module: names for module, names in unknown.items() if names}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_options_shown_alone_belong_to_a_command(name: str) -> None:
    alone = {option for span in Page.read(name).spans if span.startswith("--") for option in OPTION.findall(span)}
    modules = {command.module for page in PAGES for command in Page.read(page).commands() if source(command.module)}
    assert alone <= {option for module in modules for option in options(module)}


@pytest.mark.parametrize("name", PAGES)
def test_targets_of_make_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([\w./-]+):", makefile, re.MULTILINE))
    assert Page.read(name).targets() <= known


def test_each_reason_of_a_batch_is_explained() -> None:
    text = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)) >= set(CODES)


def test_the_tree_names_every_folder_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {f"{line.split('/')[0]}/" for line in listed.splitlines() if "/" in line} - {".ci/"}
    for name in READMES:
        tree = set(re.findall(r"^(\w+/) ", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        assert folders <= tree


@pytest.mark.parametrize("name", READMES)
def test_the_python_example_reads_a_five(name: str, tmp_path: Path) -> None:
    [program] = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "exports").symlink_to(EXPORTS)
    render("5").save(tmp_path / "five.png")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    asked = [sys.executable, "-c", program]
    read = subprocess.run(asked, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert read.stdout.split()[:1] == ["5"], read.stderr


VGG = """
from torch import Tensor, nn

from models.registry import register_model


class VGG(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


@register_model
def vgg(num_classes: int = 10) -> VGG:
    return VGG(num_classes)
"""


@pytest.mark.slow
def test_a_network_is_added_as_contributing_says(tmp_path: Path) -> None:
    for folder in ("app", "exports", "inkwear", "training"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    shutil.copytree(ROOT / "models", tmp_path / "models", ignore=shutil.ignore_patterns("checkpoints", "__pycache__"))
    (tmp_path / "models" / "vgg.py").write_text(VGG, encoding="utf-8")
    [span] = [span for span in Page.read("CONTRIBUTING.md").spans if "training.summary" in span]
    asked = [sys.executable, *span.split()[1:]]
    printed = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert f"{784 * 10 + 10:,}" in printed


@pytest.mark.parametrize(
    "broken",
    [
        "`inkwear/nowhere.py`",
        "`exports/nothing-*.onnx`",
        "[a page](nowhere.md)",
        "[a heading](batch.md#nowhere)",
        "`python -m training.nowhere`",
        "```bash\npython -m app.predict x \\\n    --nowhere y\n```",
        "`--nowhere`",
        "`make nowhere`",
    ],
)
def test_what_is_not_there_is_noticed(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail."""
    page = ROOT / "docs" / "broken.md"
    original = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda self, **how: broken if self == page else original(self, **how))
    tests = (
        test_paths_exist,
        test_links_lead_somewhere,
        test_commands_exist,
        test_commands_have_the_options_they_are_shown_with,
        test_options_shown_alone_belong_to_a_command,
        test_targets_of_make_exist,
    )
    noticed = 0
    for test in tests:
        try:
            test("docs/broken.md")
        except AssertionError:
            noticed += 1
    assert noticed == 1
