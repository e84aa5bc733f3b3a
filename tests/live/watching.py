"""Running the daemon as a user does, and asking its metrics."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from tests.command import Done, lines, start
from tests.network import until

PORT = 9469


class Watching:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[bytes], alerts: Path) -> None:
        self.process, self.alerts = process, alerts

    def metrics(self) -> str:
        with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def value(self, series: str) -> float:
        """Return a series' value, -1 before there is one."""
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.metrics(), re.MULTILINE)
        return float(found[1]) if found else -1.0

    def ready(self) -> Self:
        """Wait until it watches."""
        until(self._answers, 20)
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()
        try:
            up = re.findall(r"^iotids_capture_up{.*} (\S+)$", self.metrics(), re.MULTILINE)
        except OSError:
            return False
        return bool(up) and set(up) == {"1.0"}

    def events(self) -> list[dict[str, Any]]:
        return lines(self.alerts.read_bytes()) if self.alerts.exists() else []

    def opened(self) -> set[tuple[str, str]]:
        """Return category and attacked address of every incident that was opened."""
        told = [event for event in self.events() if event["iotids"]["state"] == "open"]
        return {(event["iotids"]["category"], event["dest_ip"]) for event in told}

    def stop(self, number: int = signal.SIGTERM) -> tuple[Done, float]:
        """Send a signal; return what is left, and how many seconds that took."""
        started = time.monotonic()
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=20)
        return Done(self.process.returncode, out, errors), time.monotonic() - started


@contextmanager
def watching(
    bundle: Path, folder: Path, *interfaces: str, config: Path | None = None, **environment: str
) -> Iterator[Watching]:
    """Run the daemon on interfaces of the present namespace."""
    alerts = folder / "alerts.json"
    words: list[str | Path] = ["--bundle", bundle, "--alerts", alerts]
    words += [word for name in interfaces for word in ("--iface", name)]
    words += ["--config", config] if config else []
    surroundings = {**os.environ, **environment}
    process = start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings)
    try:
        yield Watching(process, alerts).ready()
    finally:
        process.kill()
        process.communicate()
