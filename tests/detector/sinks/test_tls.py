"""Certificates of receivers."""

import ssl
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.sinks.tls import client_context
from tests.detector.sinks.samples import certificate


def test_a_receiver_is_verified(tmp_path: Path) -> None:
    for context in (client_context(certificate(tmp_path)[0], "[x] ca_file"), client_context(None, "")):
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ConfigError, match=r"^\[x\] ca_file: got .*, which does not load"):
            client_context(str(tmp_path / name), "[x] ca_file")
