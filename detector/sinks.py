"""Where alerts go. A broken sink is counted and named in the log, and never stops the path."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import orjson

from detector.errors import ConfigError
from detector.records import Alert, Category, State

_LOG_EVERY_SECS = 10.0
_FILE_MODE = 0o640
# Not blocking: a named pipe that nobody reads must not stop the path. Files ignore it.
_FILE_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class AlertSink(Protocol):
    """Takes alerts out of the process."""

    @property
    def name(self) -> str:
        """A short noun for metrics and logs, unique among the sinks of one set."""

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Send alerts, in order, before returning.

        Raises:
            OSError: some of them could not be sent, and may be lost.
        """

    def close(self) -> None:
        """Let go of what is open; may be called twice, and nothing is emitted after it."""


class StreamSink:
    """JSON lines into an open stream, such as standard output, which stays open."""

    name = "stdout"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Write one line an alert, and flush."""
        self._stream.write(_lines(alerts))
        self._stream.flush()

    def close(self) -> None:
        """Leave the stream to its owner; every line is flushed already."""


class JsonLinesSink:
    """JSON lines at the end of a file, readable by its owner and group (mode 0640).

    Rotation needs no signal: when the path no longer leads to the file written last, it is opened
    anew. A file cut short in place (`copytruncate`) is written from its new end.
    """

    name = "file"

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            ConfigError: that cannot be done.
        """
        self._path = path
        self._torn = False
        try:
            self._descriptor: int | None = os.open(path, _FILE_FLAGS, _FILE_MODE)
        except OSError as error:
            raise ConfigError(
                f"alerts file {path}: {error.strerror}; expected a file that can be created or appended to, "
                "give another or - for standard output"
            ) from error

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Append one line an alert, handed to the kernel at once."""
        descriptor = self._current()
        lines = _lines(alerts)
        if self._torn:
            # The last write broke off inside a line: keep these whole.
            lines = b"\n" + lines
        self._torn = True
        while lines:
            lines = lines[os.write(descriptor, lines) :]
        self._torn = False

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _current(self) -> int:
        """Return a descriptor of the file that the path leads to now."""
        if self._descriptor is not None:
            if _same_file(self._descriptor, self._path):
                return self._descriptor
            self.close()
        self._descriptor = os.open(self._path, _FILE_FLAGS, _FILE_MODE)
        self._torn = False
        return self._descriptor


class LogSink:
    """One sentence an alert in the program's own log; an incident's opening as a warning."""

    name = "log"

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Log each alert."""
        for alert in alerts:
            level = logging.WARNING if alert.state is State.OPEN else logging.INFO
            self._logger.log(level, "%s", sentence(alert))

    def close(self) -> None:
        """Leave the logger to its owner."""


class SinkSet:
    """Sends every alert to every sink, whatever becomes of the others."""

    name = "all"

    def __init__(
        self, sinks: Sequence[AlertSink], logger: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take over `sinks`; `clock` gives seconds and only spaces out the log."""
        self._sinks = tuple(sinks)
        self._logger = logger
        self._clock = clock
        self._logged_at: dict[str, float] = {}
        self.errors: Counter[str] = Counter({sink.name: 0 for sink in sinks})
        """Failed calls by sink."""

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Send to each sink; no error of a sink comes out of here."""
        if not alerts:
            return
        for sink in self._sinks:
            self._guard(sink, partial(sink.emit, alerts))

    def close(self) -> None:
        """Close each sink."""
        for sink in self._sinks:
            self._guard(sink, sink.close)

    def _guard(self, sink: AlertSink, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - alerts for the other sinks matter more
            self.errors[sink.name] += 1
            self._log(sink.name, error)

    def _log(self, name: str, error: Exception) -> None:
        now = self._clock()
        if now - self._logged_at.get(name, -_LOG_EVERY_SECS) < _LOG_EVERY_SECS:
            return
        self._logged_at[name] = now
        self._logger.error(
            "Alerts could not be sent to the sink %s: %s: %s (%d failures so far).",
            name,
            type(error).__name__,
            _printable(str(error)),
            self.errors[name],
        )


def sentence(alert: Alert) -> str:
    """Return an alert as one line of text, free of control characters.

    "Recon open: 10.0.0.66 scanned 10.0.0.5: 411 ports of 1 host in 3.1 s, 98 % unanswered (97 %)".
    """
    verb = "scanned" if alert.category is Category.RECON else "flooded"
    return _printable(
        f"{alert.category} {alert.state}: {alert.attacker} {verb} {alert.victim}: "
        f"{alert.reason} ({100 * alert.confidence:.0f} %)"
    )


def _lines(alerts: Sequence[Alert]) -> bytes:
    return b"".join(orjson.dumps(alert.event, option=orjson.OPT_APPEND_NEWLINE) for alert in alerts)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
