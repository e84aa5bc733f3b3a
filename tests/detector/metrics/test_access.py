"""Metrics behind a name and password, as curl and Prometheus ask for them."""

import base64
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.config import MetricsConfig
from detector.errors import ConfigError
from detector.metrics.exposition import MetricsServer, start_server
from detector.metrics.record import Record
from tests.detector.metrics.test_tls import make_certificate

PASSWORD = "s3cret: é"  # noqa: S105 - of a test's own server


@pytest.fixture
def config(tmp_path: Path) -> MetricsConfig:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o640)
    return MetricsConfig(port=0, username="prometheus", password_file=str(secret))


@pytest.fixture
def server(config: MetricsConfig) -> Iterator[MetricsServer]:
    served = start_server(Record(), config)
    yield served
    served.close()


def curl(*arguments: str) -> tuple[str, str]:
    """Return the status and the body."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl (Debian package curl)")
    done = subprocess.run(
        ["curl", "-s", "-m", "5", "-w", "\n%{http_code}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    body, _, status = done.stdout.rpartition("\n")
    return status, body


def test_the_right_name_and_password_open_it(server: MetricsServer) -> None:
    url = f"http://127.0.0.1:{server.port}/metrics"
    status, body = curl("-u", f"prometheus:{PASSWORD}", url)
    assert status == "200"
    assert "iotids_build_info" in body


@pytest.mark.parametrize(
    "user", ["prometheus:", "prometheus:s3cret", f"x:{PASSWORD}", ":", f"prometheus:{PASSWORD}x"]
)
def test_anything_else_is_turned_away(user: str, server: MetricsServer) -> None:
    for path in ("/metrics", "/", "/favicon.ico"):
        assert curl("-u", user, f"http://127.0.0.1:{server.port}{path}") == ("401", "")


def test_a_client_is_told_what_to_present(server: MetricsServer) -> None:
    _, head = curl("-i", f"http://127.0.0.1:{server.port}/metrics")
    assert "401 Unauthorized" in head
    assert 'WWW-Authenticate: Basic realm="iotids", charset="UTF-8"' in head


@pytest.mark.parametrize(
    "header", ["Basic", "Basic ====", "Basic \xff", "Bearer x", "basic  ", "Basic " + "QQ" * 9000]
)
def test_nonsense_is_turned_away(header: str, server: MetricsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.sendall(f"GET /metrics HTTP/1.0\r\nAuthorization: {header}\r\n\r\n".encode("latin-1"))
        assert client.recv(100).startswith(b"HTTP/1.0 401 ")


def test_over_tls_nothing_is_heard_on_the_way(config: MetricsConfig, tmp_path: Path) -> None:
    secured = make_certificate(tmp_path)
    tls = {"tls_cert": secured.tls_cert, "tls_key": secured.tls_key}
    server = start_server(Record(), config.model_copy(update=tls))
    url = f"https://127.0.0.1:{server.port}/metrics"
    try:
        assert curl("--cacert", str(secured.tls_cert), "-u", f"prometheus:{PASSWORD}", url)[0] == "200"
        assert curl("--cacert", str(secured.tls_cert), url)[0] == "401"
        assert curl("-u", f"prometheus:{PASSWORD}", url)[0] == "000"  # nobody vouches for it
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", server.port), 5) as plain,
            old.wrap_socket(plain) as secure,
        ):
            assert secure.version() in {"TLSv1.2", "TLSv1.3"}
    finally:
        server.close()


def test_the_same_credentials_in_another_form_are_the_same(server: MetricsServer) -> None:
    encoded = base64.b64encode(f"prometheus:{PASSWORD}".encode()).decode()
    status, _ = curl("-H", f"Authorization: bASIC   {encoded}", f"http://127.0.0.1:{server.port}/metrics")
    assert status == "200"


def test_a_password_open_to_others_is_refused(config: MetricsConfig) -> None:
    Path(str(config.password_file)).chmod(0o644)
    with pytest.raises(ConfigError, match=r"\[metrics\] password_file: .* closed to others"):
        start_server(Record(), config)
