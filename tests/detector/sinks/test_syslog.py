"""Syslog messages into real sockets."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detector.config import SyslogConfig
from detector.errors import ConfigError
from detector.records import Category, State
from detector.sinks.spool import Spool
from detector.sinks.syslog import SyslogSink
from tests.detector.sinks.samples import HOSTILE, full, logger, wait_until

MESSAGE = re.compile(
    rb"<(?P<priority>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) iotids \d+ (?P<id>[!-~]{1,32}) - "
    rb"(?P<text>[ -~]*)"
)
"""RFC 5424, section 6, without structured data, in ASCII."""


@contextmanager
def listening(family: int, kind: int, address: str | tuple[str, int]) -> Iterator[socket.socket]:
    with socket.socket(family, kind) as receiver:
        receiver.settimeout(5)
        receiver.bind(address)
        if kind == socket.SOCK_STREAM:
            receiver.listen()
        yield receiver


def parsed(message: bytes) -> re.Match[bytes]:
    found = MESSAGE.fullmatch(message)
    assert found, message
    return found


def test_a_message_is_as_the_standard_has_it(tmp_path: Path) -> None:
    with listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "log")) as receiver:
        sink = SyslogSink(SyslogConfig(url=f"unix://{tmp_path}/log"))
        sink.emit([full(State.OPEN)])
        sink.close()
        message = parsed(receiver.recv(65_536))
    assert int(message["priority"]) == 8 * 21 + 4  # local5, warning
    assert message["time"] == b"2026-11-23T09:12:09.250000Z"
    assert message["id"] == b"Recon-open"
    assert json.loads(message["text"]) == full(State.OPEN).event
    assert json.loads(message["text"])["in_iface"] == HOSTILE


def test_a_sentence_for_people_and_severities(tmp_path: Path) -> None:
    config = SyslogConfig(url=f"unix://{tmp_path}/log", message="sentence", facility="auth")
    with listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "log")) as receiver:
        sink = SyslogSink(config)
        sink.emit([full(State.OPEN), full(State.CLOSE, Category.DDOS)])
        sink.close()
        first, last = (parsed(receiver.recv(65_536)) for _ in range(2))
    assert first["text"].startswith(b"Recon open: 10.0.0.66 scanned 10.0.0.5: 411 ports")
    assert (int(first["priority"]), int(last["priority"])) == (8 * 4 + 4, 8 * 4 + 6)


def test_udp_tells_that_nobody_listens() -> None:
    with listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)) as receiver:
        port = receiver.getsockname()[1]
        sink = SyslogSink(SyslogConfig(url=f"udp://127.0.0.1:{port}"))
        sink.emit([full(State.OPEN), full(State.CLOSE)])
        assert [parsed(receiver.recv(65_536))["id"] for _ in range(2)] == [b"Recon-open", b"Recon-close"]
    with pytest.raises(ConnectionRefusedError):
        sink.emit([full(State.OPEN), full(State.CLOSE)])
    with listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port)) as receiver:
        sink.emit([full(State.CLOSE)])
        assert parsed(receiver.recv(65_536))["id"] == b"Recon-close"
    sink.close()


def counted(connection: socket.socket) -> bytes:
    """Read one message framed by its length (RFC 6587, 3.4.1)."""
    with connection.makefile("rb", buffering=0) as stream:
        digits = b""
        while (byte := stream.read(1)) not in {b" ", b"", None}:
            digits += byte or b""
        content = b""
        while len(content) < int(digits):
            content += stream.read(int(digits) - len(content)) or b""
        return content


def test_tcp_frames_by_length_and_connects_again_when_the_receiver_restarted() -> None:
    with listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as receiver:
        port = receiver.getsockname()[1]
        sink = SyslogSink(SyslogConfig(url=f"tcp://127.0.0.1:{port}"))
        sink.emit([full(State.OPEN), full(State.UPDATE)])
        connection, _ = receiver.accept()
        assert [parsed(counted(connection))["id"] for _ in range(2)] == [b"Recon-open", b"Recon-update"]
        connection.close()
        sink.emit([full(State.CLOSE)])  # finds the connection closed, and makes another
        connection, _ = receiver.accept()
        assert parsed(counted(connection))["id"] == b"Recon-close"
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        sink.emit([full(State.CLOSE)])
    sink.close()
    sink.close()


def test_a_receiver_that_goes_is_noticed_before_the_next_alert() -> None:
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        receiver.settimeout(5)
        address = receiver.getsockname()
        spool = Spool(SyslogSink(SyslogConfig(url=f"tcp://127.0.0.1:{address[1]}")), logger(), capacity=16)
        connection, _ = receiver.accept()  # before there is anything to send
        assert spool.up
    connection.close()
    wait_until(lambda: not spool.up, 5)
    with socket.create_server(address) as receiver:
        receiver.settimeout(5)
        connection, _ = receiver.accept()
        wait_until(lambda: spool.up)
        spool.emit([full(State.OPEN)])
        assert parsed(counted(connection))["id"] == b"Recon-open"
        spool.close()
        connection.close()


def test_the_others_have_no_connection_to_look_at(tmp_path: Path) -> None:
    with listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "log")):
        sink = SyslogSink(SyslogConfig(url=f"unix://{tmp_path}/log"))
    sink.check()
    assert sink._socket is None


def test_a_socket_that_does_not_exist_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[syslog\] url: got 'unix://.*/none', where there is no socket"):
        SyslogSink(SyslogConfig(url=f"unix://{tmp_path}/none"))


def test_a_unix_socket_that_nobody_reads_is_an_error(tmp_path: Path) -> None:
    with listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "log")):
        sink = SyslogSink(SyslogConfig(url=f"unix://{tmp_path}/log"))
    with pytest.raises(ConnectionRefusedError):
        sink.emit([full(State.OPEN)])


def test_a_host_name_has_no_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a b\n<0>é")
    sink = SyslogSink(SyslogConfig(url="udp://127.0.0.1:9"))
    assert parsed(sink._message(full(State.OPEN)))["host"] == b"ab<0>"
