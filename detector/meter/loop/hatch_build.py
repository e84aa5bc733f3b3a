"""Compiles the packet loop when the package is built, where a C compiler is at hand.

Without one the wheel is as good, and slower: the same loop then runs in Python. The loop is a plain shared
library, linked against nothing but libc: it knows neither Python's C interface nor NFStream's.
"""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path("detector/meter/loop")
LIBRARY = HERE / "libiotids_loop.so"
FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-fstack-protector-strong", "-Wall", "-Wextra")


def compiler() -> str | None:
    """Return the C compiler to use: `$CC`, or what is on the path."""
    wanted = (os.environ["CC"],) if os.environ.get("CC") else ("cc", "gcc", "clang")
    return next(filter(None, map(shutil.which, wanted)), None)


def compile_loop(root: Path) -> str | None:
    """Make the library below `root`; return why there is none, if so."""
    program = compiler()
    if program is None:
        return "no C compiler found"
    command = [program, *FLAGS, "-o", str(root / LIBRARY), str(root / HERE / "loop.c"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    return done.stderr if done.returncode else None


class LoopBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Adds the library to wheels, editable ones included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's call
        """Compile, and say what the wheel now depends on."""
        if self.target_name != "wheel":
            return
        problem = compile_loop(Path(self.root))
        if problem is not None:
            self.app.display_warning(f"The packet loop was not compiled and will run in Python: {problem}")
            return
        build_data["artifacts"].append(f"/{LIBRARY}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
