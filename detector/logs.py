"""The program's own log: to standard error, plain on a terminal, JSON where programs read it.

Threats: names of interfaces and files, and what receivers answer, come from outside. No form of the log lets
any text begin a line that looks like one of ours: plain lines write control characters out and set a
defect's traceback off with a bar, JSON keeps everything inside a string.
"""

import logging
import math
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import orjson

LOGGER = logging.getLogger("iotids")

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Those of syslog."""

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
        message, trace = one_line(record.getMessage()), _barred(_trace(self, record))
        return f"{clock} {record.levelname.lower()}: {message}{trace}"


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


class _Journal(logging.Formatter):
    """Another form, with each line's priority before it, as sd-daemon(3) has it; journald takes it off."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, _PRIORITIES[logging.INFO])
        return "\n".join(f"<{priority}>{line}" for line in self._inner.format(record).split("\n"))


def one_line(text: str) -> str:
    """Return text with everything that could move a cursor or start a line written out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return f"\n{formatter.formatException(record.exc_info)}" if record.exc_info else ""


def _barred(trace: str) -> str:
    return "".join(f"\n    | {one_line(line)}" for line in trace.splitlines() if line)


def _is_journal(stream: TextIO) -> bool:
    """Tell whether a stream is the one that systemd has named (`JOURNAL_STREAM`, systemd.exec(5))."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # a stream without a file
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def set_up(form: str, level: str, stream: TextIO | None = None) -> logging.Logger:
    """Start logging; `form` is plain, json or auto, `level` a level's name."""
    stream = stream or sys.stderr
    plain = form == "plain" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    formatter = _Plain() if plain else _Json()
    handler.setFormatter(_Journal(formatter) if _is_journal(stream) else formatter)
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(level.upper())
    LOGGER.propagate = False
    return LOGGER
