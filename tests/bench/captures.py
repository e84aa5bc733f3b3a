"""Captures to measure with, made with NumPy: the same bytes each time, each in about a second."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.bench.packets import Packets, Scene, in_order, make, write
from tests.traffic import ACK, FIN, PSH, RST, SYN, UDP

FLOOD_PACKETS = 200_000
ORDINARY_CONNECTIONS = 10_000
SHORT_CONNECTIONS = 40_000
SCANNED_HOSTS, SCANNED_PORTS = 20, 5_000
PROBES_PER_SEC = 5_000

DEVICES = 0xC0A8_0102  # 192.168.1.2 and the addresses after it
SERVERS = 0xCB00_7101  # 203.0.113.1 and the addresses after it
VICTIM = 0xC0A8_0105
SCANNER = 0xC0A8_0142
_SERVICES = np.array([443, 8883, 443, 1883, 80, 443], np.uint16)
_PAUSE = 20.0


class Line(NamedTuple):
    """One packet of a conversation's script."""

    back: bool
    """Whether it comes from the server."""
    flags: int
    smallest: int = 0
    largest: int = 0
    """Bytes of payload, drawn between the two."""
    pause: float = 1.0
    """How long it takes to come, in shares of the conversation."""


_OPEN = (Line(False, SYN), Line(True, SYN | ACK), Line(False, ACK))
_ASK = (
    Line(False, PSH | ACK, 60, 400, _PAUSE),
    Line(True, PSH | ACK, 120, 1400),
)
_CLOSE = (Line(False, FIN | ACK, pause=_PAUSE), Line(True, ACK), Line(True, FIN | ACK), Line(False, ACK))
LONG = (*_OPEN, *(*_ASK, Line(False, ACK)) * 11, *_CLOSE)
"""Eleven requests, with pauses: 40 packets."""
SHORT = tuple(
    line._replace(pause=1.0) for line in (*_OPEN, *_ASK, _CLOSE[0], Line(True, FIN | ACK), Line(False, ACK))
)
"""One request: 8 packets."""


def conversations(
    rng: np.random.Generator,
    script: Sequence[Line],
    starts: NDArray[np.integer],
    lengths: NDArray[np.integer],
    *,
    clients: NDArray[np.integer],
    servers: NDArray[np.integer],
) -> Packets:
    """Return the packets of as many conversations as there are starts, one after the other.

    Args:
        rng: for sizes and pauses.
        script: the packets of each, k of them.
        starts: (n,) microseconds at which the first packet comes.
        lengths: (n,) microseconds from the first packet to the last.
        clients: (n,) addresses; each conversation has a port of its own.
        servers: (n,) addresses; the service's port follows from it.
    """
    count, steps = len(starts), len(script)
    gaps = np.array([line.pause for line in script]) * (0.5 + rng.random((count, steps)))
    gaps[:, 0] = 0.0
    reached = np.cumsum(gaps, axis=1)
    times = starts[:, None] + reached / reached[:, -1:] * lengths[:, None]
    back = np.tile([line.back for line in script], count)
    client, server = np.repeat(clients, steps), np.repeat(servers, steps)
    port, service = 10_000 + np.repeat(np.arange(count), steps) % 50_000, _SERVICES[server % len(_SERVICES)]
    sizes = rng.integers(
        [line.smallest for line in script], [line.largest + 1 for line in script], (count, steps)
    )
    flags = np.tile(np.array([line.flags for line in script]), count)
    return make(
        times.ravel().astype(np.int64),
        src=np.where(back, server, client),
        dst=np.where(back, client, server),
        src_port=np.where(back, service, port),
        dst_port=np.where(back, port, service),
        flags=flags,
        options=np.where(flags & SYN, 20, 12),  # as Linux sends them: time stamps in every segment
        payload=sizes.ravel(),
    )


def homely(
    rng: np.random.Generator, script: Sequence[Line], count: int, devices: int, servers: int, *, secs: float
) -> Packets:
    """Return conversations of devices that each know two or three of the servers, spread over some seconds.

    Long ones take 0.2 s to 8 s, short ones 10 ms to 50 ms.
    """
    shortest, longest = (200_000, 8_000_000) if len(script) == len(LONG) else (10_000, 50_000)
    starts = rng.integers(0, max(int(secs * 1e6) - longest, 1), count)
    device = rng.integers(0, devices, count)
    known = rng.permuted(np.tile(np.arange(servers), (devices, 1)), axis=1)[:, :3]
    server = known[device, rng.integers(0, 2 + device % 2)]
    lengths = rng.integers(shortest, longest, count)
    return conversations(rng, script, starts, lengths, clients=DEVICES + device, servers=SERVERS + server)


def flood(path: Path) -> Scene:
    """Write SYNs to one host in ten seconds, each from a source of its own: as many flows as packets."""
    rng = np.random.default_rng(1)
    packets = make(
        np.arange(FLOOD_PACKETS) * 50,
        src=rng.choice(2**31, FLOOD_PACKETS, replace=False),
        dst=VICTIM,
        src_port=rng.integers(1024, 65_536, FLOOD_PACKETS),
        dst_port=80,
        flags=SYN,
    )
    return write(path, packets)


def ordinary(path: Path) -> Scene:
    """Write connections between 60 devices and 20 servers, of 40 packets in up to 8 s each, in 100 s."""
    return write(
        path, in_order(homely(np.random.default_rng(2), LONG, ORDINARY_CONNECTIONS, 60, 20, secs=100))
    )


def connections(path: Path) -> Scene:
    """Write connections of 200 devices with 10 brokers, of 8 packets within 50 ms each, in 100 s."""
    return write(
        path, in_order(homely(np.random.default_rng(3), SHORT, SHORT_CONNECTIONS, 200, 10, secs=100))
    )


def scan(path: Path) -> Scene:
    """Write SYNs of one host to all of 5,000 ports of 20 hosts, each answered by an RST, in 20 s.

    Beside it 20 devices have 400 ordinary connections.
    """
    rng = np.random.default_rng(4)
    target = rng.permutation(SCANNED_HOSTS * SCANNED_PORTS)
    host, port = DEVICES + 100 + target // SCANNED_PORTS, 1 + target % SCANNED_PORTS
    at = np.arange(len(target)) * (1_000_000 // PROBES_PER_SEC)
    asked = make(at, src=SCANNER, dst=host, src_port=50_000, dst_port=port, flags=SYN)
    late = rng.integers(100, 400, len(at))
    refused = make(at + late, src=host, dst=SCANNER, src_port=port, dst_port=50_000, flags=RST | ACK)
    return write(path, in_order(asked, refused, homely(rng, LONG, 400, 20, 10, secs=20)))


SCENES: dict[str, Callable[[Path], Scene]] = {
    "flood": flood,
    "ordinary": ordinary,
    "connections": connections,
    "scan": scan,
}
"""What the contenders are measured with."""


def of_hosts(path: Path, hosts: int, connections: int = 100_000) -> Scene:
    """Write as many short connections, whatever the number of hosts that have them, in 100 s."""
    rng, number = np.random.default_rng(5), np.arange(connections)
    starts, lengths = number * 1000, rng.integers(10_000, 50_000, connections)
    client, server = 0x0A00_0000 + number % hosts, SERVERS + number % hosts % 200
    return write(path, in_order(conversations(rng, SHORT, starts, lengths, clients=client, servers=server)))


def at_once(path: Path, flows: int, packets: int = 400_000, period_ms: int = 400) -> Scene:
    """Write datagrams of as many flows, in turns, so close that each flow goes on: all are open at once.

    They come from a thousand sources. The rate in packet time grows with the number of flows; how fast
    the capture is read does not depend on it.
    """
    number = np.arange(packets) % flows
    at = np.arange(packets) * (period_ms * 1000) // flows
    datagrams = make(
        at,
        src=0x0A00_0000 + number % 1000,
        dst=SERVERS + number % 10,
        src_port=10_000 + number // 1000,
        dst_port=5683,
        protocol=UDP,
        payload=40,
    )
    return write(path, datagrams)


def of_source(path: Path, source: int, connections: int) -> Scene:
    """Write what one of several interfaces sees: long connections of 60 devices of its own, in 100 s."""
    packets = in_order(homely(np.random.default_rng(100 + source), LONG, connections, 60, 20, secs=100))
    for side in ("src", "dst"):
        ours = packets[side] < SERVERS
        packets[side][ours] += np.uint32(source << 8)
    return write(path, packets)
