"""Who may read the metrics: anybody who reaches the address, or who knows name and password (RFC 7617)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any

from detector.config import MetricsConfig, read_secret

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application (PEP 3333)."""

_MAX_HEADER = 1024


def guarded(app: App, config: MetricsConfig) -> App:
    """Return the application behind a name and password, where they are configured.

    Raises:
        ConfigError: the password's file cannot be read or is open to other users.
    """
    if config.username is None or config.password_file is None:
        return app
    password = read_secret(config.password_file, "[metrics] password_file")
    expected = _digest(f"{config.username}:{password}".encode())

    def ask(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if hmac.compare_digest(_digest(_credentials(environ.get("HTTP_AUTHORIZATION", ""))), expected):
            return app(environ, start_response)
        headers = [("WWW-Authenticate", 'Basic realm="iotids", charset="UTF-8"'), ("Content-Length", "0")]
        start_response("401 Unauthorized", headers)
        return []

    return ask


def _credentials(header: str) -> bytes:
    """Return what a request presents, empty where that is nothing."""
    scheme, _, encoded = header[:_MAX_HEADER].partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(content: bytes) -> bytes:
    """Make anything equally long, so that comparing takes the same time whatever was presented."""
    return hashlib.sha256(content).digest()
