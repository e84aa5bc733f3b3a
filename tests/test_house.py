"""The house's rules, held by tools: style, types, layers, spelling, sizes."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for part in ("detector", "train") for path in (ROOT / part).rglob("*.py"))

MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 50


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports"],
        ["codespell", "."],
    ],
    ids=" ".join,
)
def test_tool_finds_nothing(command: list[str]) -> None:
    """Each linter, type checker and layer contract passes on the whole tree."""
    beside = Path(sys.executable).with_name(command[0])
    tool = str(beside) if beside.exists() else shutil.which(command[0])
    if tool is None:
        pytest.skip(f"{command[0]} is not installed (pip install '.[dev]')")
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = ast.get_docstring(function) or ""
    return (function.end_lineno or 0) - function.lineno - docstring.count("\n")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_stays_small(path: Path) -> None:
    """A file fits on a few screens, a function on one."""
    assert path.read_text().count("\n") <= MAX_FILE_LINES
    lengths = {function.name: lines_without_docstring(function) for function in functions(path)}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


PLAYED = {"attacks", "programs", "scenes", "play.py", "registry.py"}
"""What the lab's hosts do: tested by having them do it, in `tests/train/lab`."""


def test_every_module_has_tests_of_its_own() -> None:
    """`detector/x.py` has a `test_x.py`."""
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    modules = {path.stem for path in SOURCES if not PLAYED & set(path.parts)}
    assert modules - tested - {"__init__"} == set()
