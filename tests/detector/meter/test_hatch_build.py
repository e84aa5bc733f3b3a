"""The loop compiles without a warning where there is a compiler, and is done without where there is none."""

import ctypes
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """The build hook, with a stand-in for the builder's base class, which only building brings."""
    source = (ROOT / "detector/meter/loop/hatch_build.py").read_text()
    source = source.replace("from hatchling.builders.hooks.plugin.interface import BuildHookInterface", "")
    module = ModuleType("hatch_build")
    vars(module)["BuildHookInterface"] = object
    exec(compile(source, "hatch_build.py", "exec"), vars(module))  # noqa: S102 - our own file
    return module


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "detector/meter/loop", tmp_path / "detector/meter/loop")
    (tmp_path / "detector/meter/loop/libiotids_loop.so").unlink(missing_ok=True)
    return tmp_path


def test_it_compiles_without_a_warning(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hook.compiler() is None:
        pytest.skip("needs a C compiler")
    monkeypatch.setattr(hook, "FLAGS", (*hook.FLAGS, "-Wconversion", "-Werror"))
    assert hook.compile_loop(sources) is None
    assert ctypes.CDLL(str(sources / hook.LIBRARY)).loop_flush is not None


def test_without_a_compiler_it_says_so(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", str(sources / "none"))
    assert hook.compile_loop(sources) == "no C compiler found"


def test_what_the_compiler_says_is_passed_on(hook: ModuleType, sources: Path) -> None:
    if hook.compiler() is None:
        pytest.skip("needs a C compiler")
    (sources / "detector/meter/loop/loop.c").write_text("int broken(")
    assert "error" in (hook.compile_loop(sources) or "")
