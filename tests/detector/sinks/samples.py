"""Alerts to send, and a log to look at."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import RawIOBase

import orjson

from detector.records import Alert, Category, State
from detector.sinks import StreamSink

ALERT = Alert(
    state=State.OPEN,
    category=Category.RECON,
    severity=2,
    confidence=0.97,
    time_ms=1000,
    first_ms=500,
    attacker="10.0.0.66",
    victim="10.0.0.5",
    reason="411 ports of 1 host in 3.1 s, 98 % unanswered",
    event={"alert": {"severity": 2}, "pcap_filename": "ä\n.pcap"},
)
LINE = '{"alert":{"severity":2},"pcap_filename":"ä\\n.pcap"}\n'.encode()
SENTENCE = "Recon open: 10.0.0.66 scanned 10.0.0.5: 411 ports of 1 host in 3.1 s, 98 % unanswered (97 %)"


def numbered(count: int) -> list[Alert]:
    return [replace(ALERT, event={"n": n}, victim=f"victim {n}") for n in range(count)]


def numbers(text: bytes) -> list[int]:
    return [orjson.loads(line)["n"] for line in text.splitlines()]


class RecordingHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self.records]


def logger() -> logging.Logger:
    return logging.getLogger("tests.sinks")


def broken_pipe() -> RawIOBase:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "wb", buffering=0)


class DefectiveSink:
    """A sink with a defect of its own."""

    name = "defective"

    def emit(self, alerts: Sequence[Alert]) -> None:
        raise KeyError(len(alerts))

    def close(self) -> None:
        raise OSError("not\nclosed")


class NamedStream(StreamSink):
    """A second stream."""

    name = "other"


def wait_until(condition: Callable[[], bool], secs: float = 10.0) -> None:
    deadline = time.monotonic() + secs
    while not condition():
        assert time.monotonic() < deadline, f"not within {secs} s"
        time.sleep(0.005)
