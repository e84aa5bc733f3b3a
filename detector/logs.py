"""The program's own log: to standard error, plain on a terminal, JSON where programs read it."""

import logging
import math
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import orjson

LOGGER = logging.getLogger("iotids")

REPEAT_SECS = 10.0
"""Between two lines of the log that say the same."""


class Seldom:
    """Keeps a line that would be repeated from filling the log."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_at = -math.inf

    def due(self) -> bool:
        """Tell whether to say it; the same answer does not come again for `REPEAT_SECS`."""
        now = self._clock()
        if now < self._next_at:
            return False
        self._next_at = now + REPEAT_SECS
        return True


class _Plain(logging.Formatter):
    """`12:00:01 warning: text`, on one line whatever the text holds."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        return f"{clock} {record.levelname.lower()}: {one_line(record.getMessage())}{_trace(self, record)}"


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "message": (record.getMessage() + _trace(self, record))
            .encode("utf-8", "backslashreplace")
            .decode(),
        }
        return orjson.dumps(event).decode()


def one_line(text: str) -> str:
    """Return text with everything that could move a cursor or start a line written out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return f"\n{formatter.formatException(record.exc_info)}" if record.exc_info else ""


def set_up(form: str, level: str, stream: TextIO | None = None) -> logging.Logger:
    """Start logging; `form` is plain, json or auto, `level` a level's name."""
    stream = stream or sys.stderr
    plain = form == "plain" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Plain() if plain else _Json())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(level.upper())
    LOGGER.propagate = False
    return LOGGER
