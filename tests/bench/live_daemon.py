"""The daemon under measurement, seen from outside: its command line, files, metrics, and what /proc says."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple, Self
from urllib.request import urlopen

import orjson

from tests.bench.live_programs import WITH_PARENT, MeasureError, Words, spawn, until
from tests.command import DETECT

PORT = 9469
SCRAPE_SECS = 1.0
LOOK_SECS = 0.01
START_SECS, STOP_SECS = 30.0, 15.0
_SERIES = re.compile(r"^(\w+)(?:{(.*)})? (\S+)$", re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")


class DaemonError(MeasureError):
    """The daemon did not start, or did not live as long as it should."""


class Setting(NamedTuple):
    """Options of `[capture]` that a curve is drawn over; None is the shipped default."""

    buffer_mib: int | None = None
    workers: int | None = None

    def __str__(self) -> str:
        """Name it as a row of a table does."""
        buffer = f"{self.buffer_mib} MiB" if self.buffer_mib else "default buffer"
        return buffer if self.workers is None else f"{buffer}, {self.workers} workers"

    def write(self, path: Path) -> Path:
        """Write it as a configuration file."""
        lines = ["[capture]"]
        if self.buffer_mib:
            lines.append(f"buffer_bytes = {self.buffer_mib << 20}")
        if self.workers is not None:
            lines.append(f"workers = {self.workers}")
        path.write_text("\n".join(lines) + "\n")
        return path

    def refusal(self, folder: Path) -> str | None:
        """Return why the daemon does not take it, None where it does."""
        words = [*DETECT, "--check", "--config", str(self.write(folder / "check.toml"))]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        return done.stderr.strip() if done.returncode else None


class Metrics(dict[str, dict[str, float]]):
    """Values by family and labels, as one scrape gave them."""

    @classmethod
    def parse(cls, text: str) -> Self:
        found = cls()
        for name, labels, value in _SERIES.findall(text):
            found.setdefault(name, {})[labels] = float(value)
        return found

    def total(self, family: str) -> int:
        """Return the sum over all labels."""
        return int(sum(self.get(family, {}).values()))

    def by(self, family: str, label: str) -> dict[str, int]:
        """Return sums by the values of one label."""
        sums: dict[str, int] = {}
        for labels, value in self.get(family, {}).items():
            if found := re.search(rf'{label}="([^"]*)"', labels):
                sums[found[1]] = sums.get(found[1], 0) + int(value)
        return sums


def scrape() -> Metrics:
    """Ask the daemon of this namespace."""
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as answer:
        return Metrics.parse(answer.read().decode())


@dataclass(slots=True)
class Scraper:
    """Asks once a second, as Prometheus would, and remembers how long the daemon let it wait."""

    slowest_secs: float = 0.0
    failed: int = 0
    _over: Event = field(default_factory=Event)

    def run(self) -> None:
        while not self._over.wait(SCRAPE_SECS):
            asked = time.monotonic()
            try:
                scrape()
            except OSError:
                self.failed += 1
            self.slowest_secs = max(self.slowest_secs, time.monotonic() - asked)

    @contextmanager
    def working(self) -> Iterator[Self]:
        thread = Thread(target=self.run)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()


@dataclass(slots=True)
class AlertLog:
    """The alerts file, read as it grows; remembers when each alert was first seen in it."""

    path: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    """`time.monotonic()` for each event."""
    _read: int = 0

    def look(self) -> None:
        """Take in what is new."""
        if not self.path.exists() or self.path.stat().st_size == self._read:
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            whole, end, _ = file.read().rpartition(b"\n")
        self._read += len(whole + end)
        new = [orjson.loads(line) for line in whole.splitlines()]
        self.events += new
        self.seen += [time.monotonic()] * len(new)

    def opened(self) -> list[tuple[float, dict[str, Any]]]:
        """Return the alerts that open an incident, with the time at which each was seen."""
        both = zip(self.seen, self.events, strict=True)
        return [(seen, event) for seen, event in both if event["iotids"]["state"] == "open"]


class Subject:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.alerts = AlertLog(folder / "alerts.json")
        self._errors = folder / "stderr"

    def processor_secs(self) -> float:
        """Return the processor time of all its threads since it started."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def waiting_secs(self) -> float:
        """Return how long its threads were ready to run and had no processor, since they started."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[1]) for task in tasks) / 1e9

    def peak_mib(self) -> float:
        """Return the most memory that it ever held, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024

    def up(self) -> bool:
        """Tell whether it watches all its interfaces.

        Raises:
            DaemonError: it has ended.
        """
        self._check()
        try:
            captures = scrape().get("iotids_capture_up", {})
        except OSError:
            return False
        return bool(captures) and set(captures.values()) == {1.0}

    def _check(self) -> None:
        if self.process.poll() is not None:
            raise DaemonError(f"exit code {self.process.returncode}: {self._errors.read_text().strip()}")

    def metrics(self) -> Metrics:
        """Ask for the metrics.

        Raises:
            DaemonError: no answer.
        """
        try:
            return scrape()
        except OSError as error:
            raise DaemonError(f"no metrics: {error}") from error

    def empty(self) -> bool:
        """Tell whether no flow is open, as far as the metrics know."""
        self.alerts.look()
        try:
            return scrape().total("iotids_active_flows") == 0
        except OSError:
            return False

    def watch(self, secs: float) -> None:
        """Look for alerts for some seconds.

        Raises:
            DaemonError: it has ended.
        """
        until_secs = time.monotonic() + secs
        while time.monotonic() < until_secs:
            self._check()
            self.alerts.look()
            time.sleep(LOOK_SECS)

    def stop(self) -> float:
        """Send SIGTERM; return how many seconds the end took.

        Raises:
            DaemonError: it did not end well.
        """
        self.process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        until(lambda: self.process.poll() is not None, STOP_SECS, "the daemon stops")
        if self.process.returncode != 0:
            raise DaemonError(f"exit code {self.process.returncode}: {self._errors.read_text().strip()}")
        return time.monotonic() - asked


@contextmanager
def daemon(interfaces: Sequence[str], setting: Setting, bundle: Path, folder: Path) -> Iterator[Subject]:
    """Run the daemon, alerts to a file; it is killed at the end of the block if it still lives."""
    words: Words = [
        *(*WITH_PARENT, *DETECT, "--config", str(setting.write(folder / "iotids.toml"))),
        *("--bundle", str(bundle), "--alerts", str(folder / "alerts.json")),
        *(word for name in interfaces for word in ("--iface", name)),
    ]
    with (folder / "stderr").open("wb") as errors:
        process = spawn(words, errors.fileno(), errors.fileno())
    try:
        subject = Subject(process, folder)
        until(subject.up, START_SECS, "the daemon watches")
        yield subject
    finally:
        process.kill()
        process.wait()
