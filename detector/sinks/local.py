"""Sinks that need nothing but the process itself: an open stream, and the log."""

import logging
from collections.abc import Sequence
from io import BufferedIOBase, RawIOBase

from detector.records import Alert, State
from detector.sinks.sink import json_lines, sentence


class StreamSink:
    """JSON lines into an open stream, such as standard output, which stays open."""

    name = "stdout"

    def __init__(self, stream: RawIOBase | BufferedIOBase) -> None:
        """Take a stream. An unbuffered one keeps no lock, so that a reader that stopped holds up no exit."""
        self._stream = stream

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Write one line an alert, and flush."""
        lines = json_lines(alerts)
        while lines:
            lines = lines[self._stream.write(lines) or 0 :]
        self._stream.flush()

    def close(self) -> None:
        """Leave the stream to its owner; every line is flushed already."""


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
