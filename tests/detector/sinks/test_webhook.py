"""Alerts posted to a real HTTP server."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

from detector.config import WebhookConfig
from detector.errors import ConfigError
from detector.records import State
from detector.sinks import RefusedError
from detector.sinks.spool import Spool
from detector.sinks.webhook import WebhookSink
from tests.detector.sinks.samples import RecordingHandler, certificate, full, logger, numbered, wait_until


class Receiver(ThreadingHTTPServer):
    """Keeps what was posted, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[int] = []
        """Statuses of the next answers; 204 after them."""

    def handle_error(self, *_: object) -> None:
        """A client that does not trust us leaves; that is all there is to it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), orjson.loads(body)))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(receiver: Receiver) -> Iterator[Receiver]:
    thread = Thread(target=lambda: receiver.serve_forever(0.01))
    thread.start()
    yield receiver
    receiver.shutdown()
    thread.join()
    receiver.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as running:
        yield running


def test_an_alert_is_one_request_with_the_event(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "token").chmod(0o600)
    sink = WebhookSink(WebhookConfig(url=f"{receiver.url}?a=b", token_file=str(tmp_path / "token")))
    sink.emit([full(State.OPEN), full(State.CLOSE)])
    sink.close()
    assert [body for _, _, body in receiver.requests] == [full(State.OPEN).event, full(State.CLOSE).event]
    path, headers, _ = receiver.requests[0]
    assert path == "/hook?a=b"
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_alert_that_is_not_wanted_is_refused(status: int, receiver: Receiver) -> None:
    receiver.answers = [status]
    with pytest.raises(RefusedError, match=f"answered {status}"):
        WebhookSink(WebhookConfig(url=receiver.url)).emit([full(State.OPEN)])


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500, 503])
def test_any_other_answer_is_an_error_and_no_redirect_is_followed(status: int, receiver: Receiver) -> None:
    receiver.answers = [status]
    with pytest.raises(ConnectionError, match=f"answered {status}"):
        WebhookSink(WebhookConfig(url=receiver.url)).emit([full(State.OPEN)])
    assert len(receiver.requests) == 1


def test_a_receiver_that_comes_back_gets_every_alert_in_order(
    receiver: Receiver, log: RecordingHandler
) -> None:
    receiver.answers = [503, 500, 200, 422, 429]
    spool = Spool(WebhookSink(WebhookConfig(url=receiver.url)), logger(), capacity=100)
    spool.emit(numbered(4))
    wait_until(lambda: spool.waiting == 0)
    spool.close()
    assert [body["n"] for _, _, body in receiver.requests] == [0, 0, 0, 1, 2, 2, 3]
    assert (spool.errors, +spool.dropped) == (4, {"refused": 1})
    assert "ConnectionError: the receiver answered 503" in log.lines[0]


def test_a_receiver_that_never_answers_or_talks_nonsense_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        sink = WebhookSink(WebhookConfig(url=f"http://127.0.0.1:{port}", timeout_secs=0.1))
        with pytest.raises(TimeoutError):
            sink.emit([full(State.OPEN)])

        def babble() -> None:
            for _ in range(2):
                silent.accept()[0].close()
            with silent.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(b"\x00\r\nhello\r\n\r\n")

        silent.accept()[0].close()
        thread = Thread(target=babble)
        thread.start()
        for _ in range(3):
            with pytest.raises(OSError, match=r"."):
                sink.emit([full(State.OPEN)])
        thread.join()
    with pytest.raises(ConnectionRefusedError):
        sink.emit([full(State.OPEN)])


def test_tls_is_verified(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    receiver = Receiver()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True, do_handshake_on_connect=False)
    with serving(receiver):
        url = receiver.url.replace("http", "https", 1)
        WebhookSink(WebhookConfig(url=url, ca_file=cert)).emit([full(State.OPEN)])
        with pytest.raises(ssl.SSLCertVerificationError):
            WebhookSink(WebhookConfig(url=url)).emit([full(State.OPEN)])
        other = WebhookSink(WebhookConfig(url=url.replace("127.0.0.1", "localhost"), ca_file=cert))
        with pytest.raises(ssl.SSLCertVerificationError):
            other.emit([full(State.OPEN)])
    assert len(receiver.requests) == 1


def test_a_token_that_cannot_be_read_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[webhook\] token_file"):
        WebhookSink(WebhookConfig(url="http://127.0.0.1", token_file=str(tmp_path / "none")))
