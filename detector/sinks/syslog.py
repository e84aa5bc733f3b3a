"""Alerts as syslog messages: RFC 5424, over a Unix socket, UDP (RFC 5426) or TCP (RFC 6587, octet counting).

Threats: whoever listens on the way, since none of these is encrypted; keep it on this machine, or on a
network of its own. A message is ASCII on one line, whatever an alert holds, so that no alert can pose as
another message.
"""

import json
import os
import select
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from detector.config import SyslogConfig
from detector.errors import ConfigError
from detector.records import Alert, State
from detector.sinks.sink import sentence

_TIMEOUT_SECS = 5.0
_SEVERITIES = {1: 2, 2: 4, 3: 5}
"""By an alert's severity: critical, warning, notice (RFC 5424, 6.2.1)."""
_INFORMATIONAL = 6
_LOCAL0 = 16
_FACILITIES = {"daemon": 3, "auth": 4} | {f"local{n}": _LOCAL0 + n for n in range(8)}
_MAX_HOSTNAME = 255
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
"""A receiver that died without a word is known dead after 25 s, and after 5 s while something is sent."""


class SyslogSink:
    """Sends each alert as one message; the connection is kept, and made again when it broke."""

    name = "syslog"

    def __init__(self, config: SyslogConfig) -> None:
        """Prepare; nothing is sent yet.

        Raises:
            ConfigError: the Unix socket does not exist.
        """
        parts = urlsplit(config.url or "")
        self._scheme, self._path = parts.scheme, parts.path
        self._where = (parts.hostname or "", parts.port or 0)
        self._sentences = config.message == "sentence"
        self._facility = _FACILITIES[config.facility]
        self._hostname = _name(socket.gethostname())
        self._socket: socket.socket | None = None
        if self._scheme == "unix" and not os.path.exists(self._path):  # noqa: PTH110 - a socket, not a file
            raise ConfigError(
                f"[syslog] url: got {config.url!r}, where there is no socket, allowed is one that a syslog "
                "daemon made, start it or name another"
            )

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Send one message an alert; a datagram that got lost on the way shows nowhere."""
        for alert in alerts:
            message = self._message(alert)
            if self._scheme == "tcp":
                message = b"%d %b" % (len(message), message)
            try:
                self._connected().sendall(message)
            except OSError:
                self.close()  # a part may have gone: what follows needs a new beginning
                raise

    def check(self) -> None:
        """See whether a TCP connection stands; the others have none."""
        if self._scheme != "tcp":
            return
        try:
            self._connected()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._scheme == "tcp" and _is_over(self._socket):
            self.close()
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _connect(self) -> socket.socket:
        if self._scheme == "unix":
            fresh, address = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), self._path
            fresh.settimeout(_TIMEOUT_SECS)
            try:
                fresh.connect(address)
            except OSError:
                fresh.close()
                raise
            return fresh
        if self._scheme == "tcp":
            fresh = socket.create_connection(self._where, _TIMEOUT_SECS)
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                fresh.setsockopt(socket.IPPROTO_TCP, option, value)
            fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(_TIMEOUT_SECS * 1000))
            return fresh
        family, kind, protocol, _, where = socket.getaddrinfo(*self._where, type=socket.SOCK_DGRAM)[0]
        fresh = socket.socket(family, kind, protocol)
        fresh.settimeout(_TIMEOUT_SECS)
        fresh.connect(where)  # so that a port that nobody listens on is an error of the next message
        return fresh

    def _message(self, alert: Alert) -> bytes:
        told = _INFORMATIONAL if alert.state is State.CLOSE else _SEVERITIES[alert.severity]
        text = sentence(alert) if self._sentences else json.dumps(alert.event, separators=(",", ":"))
        priority, time = 8 * self._facility + told, str(alert.event["timestamp"]).replace("+0000", "Z")
        head = f"<{priority}>1 {time} {self._hostname} iotids {os.getpid()} {alert.category}-{alert.state} -"
        return f"{head} {text}".encode("ascii", "backslashreplace")


def _is_over(connection: socket.socket) -> bool:
    """Tell whether the receiver has closed a connection, on which it never says anything."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(0)) and connection.recv(4096) == b""


def _name(text: str) -> str:
    """Return a host's name as the format wants it: printable ASCII without spaces, or `-` for none."""
    return "".join(char for char in text if "!" <= char <= "~")[:_MAX_HOSTNAME] or "-"
