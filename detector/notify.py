"""What the service manager is told: the protocol of sd_notify(3), over the socket it names.

One datagram a message, `NAME=VALUE` lines in it. No library is needed for that, and none may make the path
wait: a message that the manager has no room for is left out, the next comes a second later. Only `ready` is
sent until it has been taken, because the manager waits for it.
"""

import os
import socket
import time
from collections.abc import Mapping

_READY = "READY=1"


class Notifier:
    """Sends to the service manager that started us; does nothing where there is none."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Read where to send (`NOTIFY_SOCKET`) and how often to prove life (`WATCHDOG_USEC`)."""
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self._owed = ""
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
        self.watchdog_secs = _watchdog_secs(environment) if self._address else None
        """The longest that the manager waits for a `beat`, None where it does not."""

    def ready(self) -> None:
        """Say that packets are being watched, for the first time or again after `reloading`."""
        self._send(_READY)

    def status(self, text: str) -> None:
        """Show one line to whoever asks for the state of the service."""
        self._send(f"STATUS={' '.join(text.split())}")

    def beat(self) -> None:
        """Prove life, if the manager asked for that."""
        if self.watchdog_secs is not None:
            self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends it."""
        micros = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={micros}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Let go of the socket; nothing is sent after it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        lines = f"{self._owed}\n{message}" if self._owed and message != self._owed else message
        try:
            self._socket.sendto(lines.encode("utf-8", "replace"), self._address)
            self._owed = ""
        except OSError:  # no room, or no manager any more: detection matters more
            self._owed = _READY if message == _READY else self._owed


def _address(named: str) -> str:
    """Return the socket's address; a leading `@` stands for the zero byte of an abstract one."""
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else ""


def _watchdog_secs(environment: Mapping[str, str]) -> float | None:
    """Return the manager's limit, if it is meant for this very process."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    micros = environment.get("WATCHDOG_USEC", "")
    return int(micros) / 1e6 if micros.isdecimal() and int(micros) > 0 else None
