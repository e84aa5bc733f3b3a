"""How long until it watches, what it takes then, and how long until a replay reads.

`iotids-detect --iface` on a cable of a private network namespace, timed from before the process is made until
its metrics say that the interface is up; VmRSS two idle seconds later. Then a replay from standard input,
from the same moment until the first packets are gone from the pipe, and until a run over them has ended.
The file cache is warm. Needs root for the namespace; without, the replay alone is measured.
"""

import array
import fcntl
import os
import re
import subprocess
import termios
import time
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest

from tests import command, network
from tests.bench.captures import VICTIM
from tests.bench.options import Options
from tests.bench.packets import HEADER, frames, make
from tests.bench.processes import ended, resident_mb
from tests.bench.report import table
from tests.live.watching import PORT
from tests.traffic import SYN

RUNS = 5
_IDLE_SECS = 2.0
_LOOK_SECS = 0.005
_LONGEST_SECS = 30.0


def measure(name: str, options: Options) -> dict[str, Any]:  # noqa: ARG001 - as all parts
    """Return seconds and megabytes, each run by itself."""
    found: dict[str, Any] = {"skipped": None}
    try:
        network.skip_without_rights()
        with network.own_namespace():
            network.cable("bench0", "bench1")
            watched = [_watch(options) for _ in range(RUNS)]
            found |= {"ready_secs": [one[0] for one in watched], "idle_mb": [one[1] for one in watched]}
    except pytest.skip.Exception as reason:
        found["skipped"] = str(reason)
    replayed = [_replay(options) for _ in range(RUNS)]
    return found | {"read_secs": [one[0] for one in replayed], "replayed_secs": [one[1] for one in replayed]}


def _watch(options: Options) -> tuple[float, float]:
    """Return seconds until one daemon was ready, and its resident memory after a while."""
    begun = time.monotonic()
    daemon = command.start("--iface", "bench0", *options.bundle_words, stderr=subprocess.PIPE)
    with ended(daemon):
        _wait(_up, daemon)
        ready = time.monotonic() - begun
        time.sleep(_IDLE_SECS)
        return ready, resident_mb(daemon.pid)


def _up() -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=2) as answer:
            return re.search(rb"^iotids_capture_up{.*} 1.0$", answer.read(), re.MULTILINE) is not None
    except OSError:
        return False


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    begun = time.monotonic()
    while not condition():
        if process.poll() is not None or time.monotonic() - begun > _LONGEST_SECS:
            process.kill()
            raise SystemExit(f"iotids-detect did not start: {process.communicate()[1].decode()}")
        time.sleep(_LOOK_SECS)


def _replay(options: Options) -> tuple[float, float]:
    """Return seconds until a replay took packets from its pipe, and until it had ended."""
    packets = make(np.arange(100) * 1000, src=VICTIM + 1, dst=VICTIM, src_port=40_000, dst_port=80, flags=SYN)
    reading, writing = os.pipe()
    os.write(writing, HEADER + frames(packets))
    begun = time.monotonic()
    replay = command.start(
        *("--pcap", "-"),
        *options.bundle_words,
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with ended(replay):
        os.close(reading)
        _wait(lambda: not _waiting(writing), replay)
        read = time.monotonic() - begun
        os.close(writing)
        replay.wait(_LONGEST_SECS)
        return read, time.monotonic() - begun


def _waiting(pipe: int) -> int:
    """Return how many bytes in a pipe nobody has read."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


_NAMES = {
    "ready_secs": "s until the interface is up",
    "idle_mb": "MB resident, idle",
    "read_secs": "s until a replay reads",
    "replayed_secs": "s of a replay of 100 packets",
}


def show(name: str, found: dict[str, Any]) -> str:
    """Return best and median of the runs."""
    rows = [
        [title, min(found[key]), float(np.median(found[key])), max(found[key])]
        for key, title in _NAMES.items()
        if key in found
    ]
    skipped = [f"watching was skipped: {found['skipped']}"] if found["skipped"] else []
    return "\n".join([table(f"{name}, {RUNS} runs", ["best", "median", "worst"], rows), *skipped])
