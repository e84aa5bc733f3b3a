"""A service manager's ear: a socket as systemd opens it, and what was said to it."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.network import until


class Listener:
    """Takes datagrams; each is split into its lines."""

    def __init__(self, address: str) -> None:
        self.address = address
        """As it stands in NOTIFY_SOCKET."""
        self.heard: list[str] = []
        """All lines so far."""
        self.at: list[float] = []
        """When each of them was read, by the monotonic clock."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.setblocking(False)

    def listen(self) -> list[str]:
        """Take what has come; return all lines so far."""
        while True:
            try:
                message = self._socket.recv(65_536)
            except BlockingIOError:
                return self.heard
            for line in message.decode().splitlines():
                self.heard.append(line)
                self.at.append(time.monotonic())

    def wait_for(self, beginning: str, secs: float) -> str:
        """Wait for a line that is still to come and begins so; return it."""
        before = len(self.listen())
        until(lambda: any(line.startswith(beginning) for line in self.listen()[before:]), secs)
        return next(line for line in self.heard[before:] if line.startswith(beginning))

    def count(self, line: str) -> int:
        return self.listen().count(line)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def listening(folder: Path, *, abstract: bool = False) -> Iterator[Listener]:
    """Listen at a path in a folder, or at a name that is none."""
    listener = Listener(
        f"@iotids-test-{os.getpid()}-{time.monotonic_ns()}" if abstract else f"{folder}/notify"
    )
    try:
        yield listener
    finally:
        listener.close()
