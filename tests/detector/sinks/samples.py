"""Alerts to send, and a log to look at."""

import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import RawIOBase
from pathlib import Path

import orjson
import pytest

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


HOSTILE = 'eth0\r\n<0>1 - - evil - - - "x" \x1b[31m\u2028\x00é'
"""A name that tries to begin a message of its own."""


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


def full(state: State, category: Category = Category.RECON, incident: str = "a1") -> Alert:
    """An alert with the fields that receivers look at."""
    details = {
        "incident_id": incident,
        "state": state.value,
        "category": category.value,
        "first_seen": "2026-11-23T09:12:09.018000+0000",
    }
    event = {"timestamp": "2026-11-23T09:12:09.250000+0000", "in_iface": HOSTILE, "iotids": details}
    return replace(ALERT, state=state, category=category, event=event)


def openssl(*arguments: str | Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl (Debian package openssl)")
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def certificate(folder: Path) -> tuple[str, str]:
    """Make a key, and a certificate for 127.0.0.1 that vouches for itself; return the latter's path first."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    names = ["-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1"]
    openssl(*request, *names, "-keyout", key, "-out", cert)
    return str(cert), str(key)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


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
