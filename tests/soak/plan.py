"""When what happens: attacks and faults, drawn from a seed, so that sender and watcher agree without a word.

The run is cut into slots. Each has a fault, every kind in turn; and an attack, unless the fault is one in
which the detector cannot see what comes.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple, TypeVar

CATEGORIES = {
    "port scan": "Recon",
    "SYN flood": "DoS",
    "UDP flood": "DoS",
    "spoofed SYN flood": "DDoS",
    "spoofed UDP flood": "DDoS",
}
"""What each kind of attack has to be called."""

BLINDING = ("interface down", "process stopped")
FAULTS = (
    *BLINDING,
    "receiver gone",
    "receiver hangs",
    "disk full",
    "file rotated",
    "reload",
    "bad reload",
    "none",
    "none",
)
"""Kinds of faults; a third of the time nothing is wrong, or nothing much."""

SHORTEST_SLOT_SECS, LONGEST_SLOT_SECS = 7.0, 16.0
FEWEST_SLOTS = len(FAULTS) + 2
"""One each of every fault, one slot before them and one after."""

_PROBES_PER_SEC = (60, 120, 250, 500)
_FLOOD_PER_SEC = (1_500, 4_000, 10_000, 20_000)
_SHORTEST_BLIND_SECS = 3.5
"""An interface that went down is noticed at the second look, and told with the next report."""

_ATTACKERS, _VICTIMS = 0xC612_0001, 0xC0A8_C801
"""198.18.0.1 and 192.168.200.1 and the addresses after them, which have no other traffic."""

Item = TypeVar("Item")


class Attack(NamedTuple):
    """A scan or a flood of one host."""

    number: int
    kind: str
    begins: float
    """Seconds after the sender's first packet."""
    lasts: float
    rate: int
    """Packets a second, of the attacker."""

    @property
    def attacker(self) -> int:
        return _ATTACKERS + self.number

    @property
    def victim(self) -> int:
        return _VICTIMS + self.number

    @property
    def category(self) -> str:
        return CATEGORIES[self.kind]


class Fault(NamedTuple):
    """Something that goes wrong, and is mended."""

    kind: str
    begins: float
    ends: float


class Plan(NamedTuple):
    """A run."""

    attacks: tuple[Attack, ...]
    faults: tuple[Fault, ...]


def plan(seed: int, secs: float) -> Plan:
    """Return what happens in so many seconds; nothing does in the first slot and in the last."""
    slot = min(max(secs / FEWEST_SLOTS, SHORTEST_SLOT_SECS), LONGEST_SLOT_SECS)
    rng = Random(seed)
    kinds, troubles = _in_turn(rng, tuple(CATEGORIES)), _in_turn(rng, FAULTS)
    # Each kind at each rate in turn, so that the worst has come before the middle of a long run.
    rates = {kind: _in_turn(rng, _rates(kind)) for kind in CATEGORIES}
    attacks, faults = list[Attack](), list[Fault]()
    for number in range(1, int(secs / slot) - 1):
        at, trouble = number * slot, next(troubles)
        if trouble in BLINDING:
            lasts = max(slot / 3, _SHORTEST_BLIND_SECS)
            faults.append(Fault(trouble, at + slot / 4, at + slot / 4 + lasts))
            continue
        if trouble != "none":
            faults.append(Fault(trouble, at + rng.uniform(0, slot / 8), at + slot * 0.75))
        kind = next(kinds)
        rate = next(rates[kind])
        # After the fault began, so that it meets the alert.
        begins, lasts = at + slot * rng.uniform(1 / 8, 3 / 8), slot * rng.uniform(0.3, 0.5)
        attacks.append(Attack(len(attacks), kind, begins, lasts, rate))
    return Plan(tuple(attacks), tuple(faults))


def _rates(kind: str) -> Sequence[int]:
    return _PROBES_PER_SEC if kind == "port scan" else _FLOOD_PER_SEC


def _in_turn(rng: Random, kinds: Sequence[Item]) -> Iterator[Item]:
    """Give each kind once, in any order, and then again in another."""
    while True:
        yield from rng.sample(kinds, len(kinds))
