"""The one command: it shows where to look, ends by itself and leaves nothing behind. Needs root."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.configs.promtool import ROOT
from tests.demo.stage import INSIDE, NEEDED
from tests.network import skip_without_rights

pytestmark = pytest.mark.live
DEMO = [sys.executable, "-m", "tests.demo"]


def processes(word: str) -> list[str]:
    """Return the command lines of running processes that hold a word."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


@pytest.mark.parametrize("how", ["by itself", "killed"])
def test_it_ends_and_leaves_nothing(how: str) -> None:
    skip_without_rights(*NEEDED)
    with tempfile.TemporaryDirectory() as folder:
        words = [*DEMO, "--secs", "3" if how == "by itself" else "60"]
        own = {**os.environ, "TMPDIR": folder}
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=own)
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if "Playing" in line:
                break
        address = re.search(r"Prometheus: (\S+)", told)
        assert address is not None, told
        with urlopen(address[1], timeout=5) as answer:  # noqa: S310 - its own Prometheus
            assert b"Alerts" in answer.read()
        assert processes(folder)
        if how == "killed":
            process.kill()
        process.communicate(timeout=30)
        assert process.returncode == (0 if how == "by itself" else -9)
        # What the kernel ends with its parent takes a moment.
        deadline = time.monotonic() + 10
        while processes(folder) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert processes(folder) == []
        assert how == "killed" or list(Path(folder).iterdir()) == []
    assert not Path(f"/sys/class/net/{INSIDE}").exists()
