"""A cable that delays and loses frames, between two interfaces of the switch.

What `tc netem` does, for kernels without it, and reproducible: the losses follow the world's seed.
"""

import heapq
import random
import select
import socket
import time

from train.lab.plan import Link

_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_ETH_P_ALL = 3
_FRAME_BYTES = 65_536
_QUEUE_FRAMES = 2_000
"""A longer queue drops its newest frame, as a router's does."""


def _port(name: str) -> socket.socket:
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    port.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    port.bind((name, 0))
    port.setblocking(False)
    return port


class Relay:
    """All impaired cables of one world, in one process."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"{seed}/relay")  # noqa: S311 - traffic, not secrets
        self._far_end: dict[int, tuple[socket.socket, socket.socket, Link]] = {}
        self._queue: list[tuple[float, int, socket.socket, bytes]] = []
        self._last: dict[int, float] = {}
        self._count = 0
        self._poll = select.poll()

    def connect(self, near: str, far: str, link: Link) -> None:
        """Relay between two interfaces, both ways."""
        self.join(_port(near), _port(far), link)

    def join(self, one: socket.socket, other: socket.socket, link: Link) -> None:
        """Relay between two non-blocking packet sockets, both ways."""
        for near, far in ((one, other), (other, one)):
            self._far_end[near.fileno()] = (near, far, link)
            self._poll.register(near, select.POLLIN)

    def run(self) -> None:
        """Relay until killed."""
        while True:
            self.turn()

    def turn(self, patience_ms: float | None = None) -> None:
        """Wait until a frame comes or is due, at most so long, and move what can be moved."""
        if self._queue:
            due_ms = max(0.0, (self._queue[0][0] - time.monotonic()) * 1000)
            patience_ms = due_ms if patience_ms is None else min(due_ms, patience_ms)
        for descriptor, _ in self._poll.poll(patience_ms):
            self._take(descriptor)
        self._send_due()

    def _take(self, descriptor: int) -> None:
        port, other, link = self._far_end[descriptor]
        for _ in range(64):
            try:
                frame = port.recv(_FRAME_BYTES)
            except (BlockingIOError, OSError):
                return
            if len(self._queue) >= _QUEUE_FRAMES or self._rng.random() < link.loss:
                continue
            delay = max(0.0, self._rng.gauss(link.delay_ms, link.jitter_ms)) / 1000
            # Order is kept: a switch or an access point delays, it does not shuffle.
            due = max(time.monotonic() + delay, self._last.get(descriptor, 0.0))
            self._last[descriptor] = due
            self._count += 1
            heapq.heappush(self._queue, (due, self._count, other, frame))

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._queue and self._queue[0][0] <= now:
            _, _, port, frame = heapq.heappop(self._queue)
            try:
                port.send(frame)
            except OSError:
                continue  # the interface's queue is full: the frame is lost
