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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from queue import Full, Queue
from threading import Thread
from typing import TextIO

import orjson

LOGGER = logging.getLogger("iotids")

_MAX_WAITING, _LAST_SECS = 1000, 0.5
_LOST = "%d messages of this log were lost: whoever reads it was too slow."

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


class _Background(logging.Handler):
    """Hands messages to another handler from a thread of its own, so that whoever logs never waits."""

    def __init__(self, inner: logging.Handler) -> None:
        super().__init__()
        self.inner = inner
        self._queue: Queue[logging.LogRecord | None] = Queue(_MAX_WAITING)
        self._lost = 0
        self._thread = Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._queue.put_nowait(record)
        except Full:
            self._lost += 1

    def close(self) -> None:
        with suppress(Full):
            self._queue.put(None, timeout=_LAST_SECS)
        self._thread.join(_LAST_SECS)
        super().close()

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            self.inner.handle(record)
            self.acquire()  # as `emit` is called
            lost, self._lost = self._lost, 0
            self.release()
            if lost:
                values = {"levelno": logging.ERROR, "levelname": "ERROR", "msg": _LOST, "args": (lost,)}
                self.inner.handle(logging.makeLogRecord(values))


@contextmanager
def in_background() -> Iterator[None]:
    """Log from a thread: a terminal or journal that takes no more holds up nothing but the log itself.

    A thousand messages wait for it; more are lost, and counted in the log once it takes them again.
    """
    waiting = [_Background(handler) for handler in LOGGER.handlers]
    LOGGER.handlers[:] = waiting
    try:
        yield
    finally:
        LOGGER.handlers[:] = [handler.inner for handler in waiting]
        for handler in waiting:
            handler.close()


def set_up(form: str, level: str, stream: TextIO | None = None) -> logging.Logger:
    """Start logging; `form` is plain, json or auto, `level` a level's name."""
    stream = stream or sys.stderr
    plain = form == "plain" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    formatter = _Plain() if plain else _Json()
    handler.setFormatter(_Journal(formatter) if _is_journal(stream) else formatter)
    running = [each for each in LOGGER.handlers if isinstance(each, _Background)]
    if running:  # what waits is written in the new form too
        running[0].inner = handler
    else:
        LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(level.upper())
    LOGGER.propagate = False
    return LOGGER
