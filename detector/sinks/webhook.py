"""Alerts as HTTP requests, one POST with the alert as JSON for each.

What failed is sent again by whoever holds the sink, so that a receiver may see an alert twice: `incident_id`,
`state` and `timestamp` together name it. Redirects are not followed, because a POST would become a GET.

Threats: a receiver that is not who it says (TLS is verified, and cannot be told not to be), one that never
answers (it has a timeout, and is noticed if it drips), and one whose answer is hostile (only its status line
is used).
"""

from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import orjson

from detector import __version__
from detector.config import WebhookConfig, read_secret
from detector.records import Alert
from detector.sinks.sink import RefusedError
from detector.sinks.tls import client_context

_REFUSED = frozenset({400, 413, 422})
"""Bad request, too large, unprocessable: the alert itself is not wanted. Anything else may be mended
there."""


class WebhookSink:
    """Posts each alert on a connection of its own: alerts are rare, and old connections are often dead."""

    name = "webhook"

    def __init__(self, config: WebhookConfig) -> None:
        """Prepare; nothing is sent yet.

        Raises:
            ConfigError: the token or the certificates do not load.
        """
        parts = urlsplit(config.url or "")
        self._host, self._port, self._timeout_secs = parts.hostname or "", parts.port, config.timeout_secs
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"iotids/{__version__}",
            "Connection": "close",
        }
        if config.token_file:
            token = read_secret(config.token_file, "[webhook] token_file")
            self._headers["Authorization"] = f"Bearer {token}"
        secure = parts.scheme == "https"
        self._tls = client_context(config.ca_file, "[webhook] ca_file") if secure else None

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Post each alert, and wait for the answer."""
        for alert in alerts:
            try:
                status = self._post(orjson.dumps(alert.event))
            except HTTPException as error:
                raise ConnectionError(f"no HTTP answer ({error!r})") from error
            if status in _REFUSED:
                raise RefusedError(f"the receiver answered {status}")
            if not 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls successful
                raise ConnectionError(f"the receiver answered {status}")

    def close(self) -> None:
        """Nothing is open between two alerts."""

    def _post(self, content: bytes) -> int:
        if self._tls is None:
            connection = HTTPConnection(self._host, self._port, timeout=self._timeout_secs)
        else:
            connection = HTTPSConnection(
                self._host, self._port, timeout=self._timeout_secs, context=self._tls
            )
        try:
            connection.request("POST", self._target, content, self._headers)
            return connection.getresponse().status
        finally:
            connection.close()
