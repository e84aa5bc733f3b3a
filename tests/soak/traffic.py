"""What is sent: ordinary connections of devices that come and go, with the attacks of a plan among them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tests.bench.captures import LONG, SERVERS, SHORT, conversations
from tests.bench.live_frames import Scene
from tests.bench.packets import RECORD_BYTES, Packets, in_order, make, records
from tests.soak.plan import Attack, Plan
from tests.traffic import ACK, RST, SYN, UDP

BLOCK_SECS = 2
"""Made at once: more would take memory, less time."""

PACKETS_PER_SEC = 150
"""Of one ordinary network, in the mean of a day: half a megabit a second, mostly small packets, of a dozen
devices that report. 72 of them side by side bring in twenty minutes what passes one gateway in a day."""

_DEVICES, _SERVERS = 12, 4
"""Of each network."""

_NEW_DEVICES_SECS = 180
"""After so long a network has other devices: what the daemon keeps of hosts has to be let go."""

_NETWORKS, _RESOLVERS = 0x0A00_0000, 0xC633_6401
"""10.N.0.0 are the networks, and 198.51.100.1 and the addresses after it their resolvers."""

_LONG, _SHORT, _LOOKUPS = 0.6, 0.3, 0.1
"""Of the ordinary packets: in long connections, in short ones, and in questions to a resolver and answers."""

_MICROS = 1_000_000
_LARGEST_FRAME = 1_514


def stream(plan: Plan, *, seed: int, secs: float, networks: int) -> Iterator[Packets]:
    """Give the packets of a run, a block at a time, in order; their times are microseconds after the first.

    Args:
        plan: the attacks.
        seed: of the ordinary traffic; the same gives the same.
        secs: how long it lasts; what would come later is left out.
        networks: how many ordinary ones there are.
    """
    waiting = make(np.zeros(0, np.int64))
    for block in range(-(-int(secs) // BLOCK_SECS)):
        begins, ends = block * BLOCK_SECS, min((block + 1) * BLOCK_SECS, secs)
        begun = [attack for attack in plan.attacks if begins <= attack.begins < ends]
        new = ordinary(np.random.default_rng((seed, block)), block, networks)
        packets = in_order(waiting, new, *map(packets_of, begun))
        due = packets["micros"] < ends * _MICROS
        yield packets[due]
        waiting = packets[~due]


def ordinary(rng: np.random.Generator, block: int, networks: int) -> Packets:
    """Return what begins in a block; long connections end up to 8 s after it."""
    packets = networks * PACKETS_PER_SEC * BLOCK_SECS

    def some(count: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return when so many begin, in which network, and which device does."""
        starts = block * BLOCK_SECS * _MICROS + rng.integers(0, BLOCK_SECS * _MICROS, int(count))
        network = rng.integers(0, networks, int(count))
        # Not in all networks at once.
        generation = (starts // _MICROS + network * 7) // _NEW_DEVICES_SECS
        device = 2 + rng.integers(0, _DEVICES, int(count))
        return starts, network, _NETWORKS + (network << 16) + (generation % 256 << 8) + device

    parts = []
    for script, share, lengths in ((LONG, _LONG, (200_000, 8_000_000)), (SHORT, _SHORT, (10_000, 50_000))):
        starts, network, clients = some(packets * share / len(script))
        servers = SERVERS + network * _SERVERS + rng.integers(0, _SERVERS, len(starts))
        lasts = rng.integers(*lengths, len(starts))
        parts.append(conversations(rng, script, starts, lasts, clients=clients, servers=servers))
    return np.concatenate([*parts, *_lookups(rng, *some(packets * _LOOKUPS / 2))])


def _lookups(
    rng: np.random.Generator,
    starts: NDArray[np.int64],
    network: NDArray[np.int64],
    clients: NDArray[np.int64],
) -> tuple[Packets, Packets]:
    resolvers, ports = _RESOLVERS + network, rng.integers(20_000, 60_000, len(starts))
    sizes = rng.integers(30, 60, len(starts))
    there = make(starts, src=clients, dst=resolvers, src_port=ports, dst_port=53, protocol=UDP, payload=sizes)
    back = make(
        starts + rng.integers(2_000, 40_000, len(starts)),
        src=resolvers,
        dst=clients,
        src_port=53,
        dst_port=ports,
        protocol=UDP,
        payload=3 * sizes,
    )
    return there, back


def packets_of(attack: Attack) -> Packets:
    """Return an attack's packets, and the answers where there are any."""
    rng, count = np.random.default_rng(attack.number), int(attack.rate * attack.lasts)
    at = int(attack.begins * _MICROS) + np.arange(count) * _MICROS // attack.rate
    if attack.category == "Recon":
        ports = 1 + rng.permutation(60_000)[:count]
        ends = {"src": attack.attacker, "dst": attack.victim}
        back = {"src": attack.victim, "dst": attack.attacker}
        asked = make(at, **ends, src_port=43_210, dst_port=ports, flags=SYN, options=4)
        return in_order(asked, make(at + 300, **back, src_port=ports, dst_port=43_210, flags=RST | ACK))
    spoofed, udp = attack.kind.startswith("spoofed"), "UDP" in attack.kind
    return make(
        at,
        src=rng.choice(2**31, count, replace=False) if spoofed else attack.attacker,
        dst=attack.victim,
        src_port=rng.integers(1024, 65_536, count),
        dst_port=80,
        **({"protocol": UDP, "payload": 120} if udp else {"flags": SYN}),
    )


def scene(packets: Packets) -> Scene:
    """Return packets as frames to send."""
    rows, sizes = records(packets, snap_bytes=_LARGEST_FRAME)
    width = rows.dtype.itemsize - RECORD_BYTES
    frames = np.ascontiguousarray(rows.view("u1").reshape(len(rows), -1)[:, RECORD_BYTES:])
    return Scene(frames.view(np.dtype((np.void, width)))[:, 0], sizes.astype(np.int64))
