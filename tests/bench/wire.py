"""Packets on a wire: `tests.bench.live` with its defaults, as a process of its own.

It takes itself a network namespace, prints as it goes, and has options of its own (`python -m
tests.bench.live --help`).
"""

import json
import subprocess
import sys
from typing import Any

from tests.bench.options import Options

TIMEOUT_SECS = 3600


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return what the live benchmark wrote."""
    path = options.folder / f"{name}.json"
    command = [sys.executable, "-m", "tests.bench.live", "--json", str(path), *options.bundle_words]
    subprocess.run(command, check=True, timeout=TIMEOUT_SECS)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def show(name: str, found: dict[str, Any]) -> str:
    """Return one line: the tables have been printed."""
    return f"{name}: {len(found.get('points', []))} points"
