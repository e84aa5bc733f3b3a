"""The sender as a process of its own, beside whatever watches."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any

from tests.bench.live_programs import MeasureError, bounded, running
from tests.bench.live_sender import NOBODY_MAC, Sent

_START_AND_END_SECS = 20.0


class Sender:
    """A sender that has begun."""

    def __init__(self, process: Popen[bytes]) -> None:
        self._process = process
        began = self.line()
        self.began: float = began["monotonic"]
        """`time.monotonic()` of the first packet."""
        self.began_epoch: float = began["epoch"]

    def line(self) -> Any:
        """Wait for what it says next."""
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise MeasureError(f"the sender ended: {self._process.communicate()[1].decode()}")
        return json.loads(line)

    def busy(self) -> bool:
        return self._process.poll() is None

    def sent(self) -> Sent:
        """Wait for its end; return what it says."""
        return Sent(**self.line())


@contextmanager
def sending(
    interface: str, scene: str, *, rate: float, secs: float, to: str = NOBODY_MAC
) -> Iterator[Sender]:
    """Send a scene at a rate, 0 for as fast as it goes; gives the sender when it begins."""
    words = [sys.executable, "-m", "tests.bench.live_sender", interface, scene, "--to", to]
    words += ["--rate", str(rate), "--secs", str(secs)]
    with running(bounded(words, secs + _START_AND_END_SECS), stdout=PIPE, stderr=PIPE) as process:
        yield Sender(process)
