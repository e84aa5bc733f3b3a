"""Metrics over TLS."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from detector.config import MetricsConfig
from detector.errors import ConfigError
from detector.metrics.exposition import start_server
from detector.metrics.record import Record
from tests.detector.metrics.test_exposition import get


def make_certificate(folder: Path, *extra: str) -> MetricsConfig:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl (Debian package openssl)")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            *(extra or ["-noenc"]),
            "-subj",
            "/CN=sensor",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            cert,
        ],
        check=True,
        capture_output=True,
    )
    return MetricsConfig(port=0, tls_cert=cert, tls_key=key)


def test_tls(tmp_path: Path) -> None:
    config = make_certificate(tmp_path)
    server = start_server(Record(), config)
    with socket.create_connection(("127.0.0.1", server.port), 5):  # it never says hello
        context = ssl.create_default_context(cafile=config.tls_cert)
        answer = get(f"https://127.0.0.1:{server.port}/metrics", context)
    server.close()
    assert "iotids_build_info" in answer


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    config = make_certificate(tmp_path, "-passout", "pass:secret")
    with pytest.raises(ConfigError, match=r"tls_cert and tls_key: got .*, which do not load"):
        start_server(Record(), config)


def test_nobody_is_asked_for_a_passphrase(tmp_path: Path) -> None:
    """On a terminal, where OpenSSL would ask, and a service would wait for ever."""
    config = make_certificate(tmp_path, "-passout", "pass:secret")
    program = (
        "from detector.config import MetricsConfig; from detector.metrics import Metrics;"
        f"Metrics().serve(MetricsConfig(port=0, tls_cert={config.tls_cert!r}, tls_key={config.tls_key!r}))"
    )
    ours, theirs = os.openpty()
    command = ["setsid", "--ctty", "--wait", sys.executable, "-c", program]
    result = subprocess.run(command, stdin=theirs, capture_output=True, timeout=30, check=False)
    os.close(ours)
    os.close(theirs)
    assert b"which do not load" in result.stderr


def test_a_certificate_that_is_missing(tmp_path: Path) -> None:
    config = MetricsConfig(port=0, tls_cert=str(tmp_path / "c.pem"), tls_key=str(tmp_path / "k.pem"))
    with pytest.raises(ConfigError, match=r"c\.pem'.*\(No such file or directory\), allowed are PEM files"):
        start_server(Record(), config)


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    nonsense = tmp_path / "c.pem"
    nonsense.write_text("hello")
    with pytest.raises(ConfigError, match="allowed are PEM files"):
        start_server(Record(), MetricsConfig(port=0, tls_cert=str(nonsense), tls_key=str(nonsense)))
