"""Floods and a scan amid light ordinary traffic, with known beginnings."""

from typing import NamedTuple

import numpy as np

from tests.bench.captures import DEVICES, LONG, SHORT, homely
from tests.bench.packets import Packets, in_order, make
from tests.traffic import ACK, EPOCH_MS, ICMP, RST, SYN, TCP, UDP

ATTACKED, SCANNED = DEVICES + 103, DEVICES + 118  # 192.168.1.105 and .120, which have no other traffic
ATTACKER, SCANNING = DEVICES + 148, DEVICES + 151  # 192.168.1.150 and .153
ECHO_REQUEST = 0x0800  # type and code, which stand where a port would

RATES_PER_SEC = (500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000)
_PROTOCOLS = {"SYN": TCP, "UDP": UDP, "ICMP": ICMP}
_LASTS_SECS = 4
_BEGINS_MS = 5_000


class Flood(NamedTuple):
    """A flood of one host."""

    kind: str
    """SYN, UDP or ICMP."""
    spoofed: bool
    """Each packet from a source of its own; else all from one."""
    rate: int
    """Packets a second."""
    seed: int

    @property
    def category(self) -> str:
        """What it has to be called."""
        return "DDoS" if self.spoofed else "DoS"

    @property
    def begins_ms(self) -> int:
        """When its first packet comes, in packet time; not on the beat of the window's intervals."""
        return EPOCH_MS + _BEGINS_MS + self.seed * 37 % 1000


def floods(count: int) -> list[Flood]:
    """Return floods of every kind, spoofed or not, at every rate in turn."""
    kinds = [(kind, spoofed) for kind in _PROTOCOLS for spoofed in (True, False)]
    return [
        Flood(*kinds[number % len(kinds)], RATES_PER_SEC[number // len(kinds) % len(RATES_PER_SEC)], number)
        for number in range(count)
    ]


def packets_of(flood: Flood, *, secs: int = _LASTS_SECS) -> Packets:
    """Return a flood's packets: evenly paced, of one size, its ports fixed or random as the seed has it."""
    rng, count = np.random.default_rng(flood.seed), flood.rate * secs
    at = (flood.begins_ms - EPOCH_MS) * 1000 + np.arange(count) * 1_000_000 // flood.rate
    ports = rng.integers(1024, 65_536, count) if flood.seed % 4 < 2 else int(rng.integers(1024, 65_536))
    service = rng.integers(1, 65_536, count) if flood.kind == "UDP" and flood.seed % 8 < 4 else 80
    return make(
        at,
        src=rng.choice(2**31, count, replace=False) if flood.spoofed else ATTACKER,
        dst=ATTACKED,
        src_port=ECHO_REQUEST if flood.kind == "ICMP" else ports,
        dst_port=0 if flood.kind == "ICMP" else service,
        protocol=_PROTOCOLS[flood.kind],
        flags=SYN if flood.kind == "SYN" else 0,
        payload=0 if flood.kind == "SYN" else int(rng.integers(0, 1200)),
    )


def amid(flood: Flood) -> Packets:
    """Return a flood with the ordinary traffic of ten hosts, before and beside it."""
    quiet = np.random.default_rng(1000 + flood.seed)
    return in_order(packets_of(flood), homely(quiet, LONG, 30, 10, 5, secs=13))


BLINDING = Flood("SYN", spoofed=True, rate=50_000, seed=0)
BLINDING_SECS = 10
SCAN_BEGINS_MS = EPOCH_MS + 8_000
BENIGN_HOSTS = 20


def benign() -> Packets:
    """Return the ordinary connections of 20 hosts in 26 s, long ones and short ones."""
    rng = np.random.default_rng(77)
    return in_order(
        homely(rng, LONG, 60, BENIGN_HOSTS, 10, secs=26), homely(rng, SHORT, 200, BENIGN_HOSTS, 10, secs=26)
    )


def port_scan(ports: int = 300, rate: int = 100) -> Packets:
    """Return what `nmap -sS` sends and gets: a SYN with one option to each port, and an RST back."""
    rng = np.random.default_rng(78)
    at = (SCAN_BEGINS_MS - EPOCH_MS) * 1000 + np.arange(ports) * 1_000_000 // rate
    port = 1 + rng.permutation(1000)[:ports]
    asked = make(at, src=SCANNING, dst=SCANNED, src_port=43_210, dst_port=port, flags=SYN, options=4)
    refused = make(at + 300, src=SCANNED, dst=SCANNING, src_port=port, dst_port=43_210, flags=RST | ACK)
    return in_order(asked, refused)
