"""Labels that the packets do not support: attack captures that look, in all quantities, like benign ones.

No model is asked. An attack of one of the three classes must do something much: send many packets, begin
many flows, ask many ports. A capture of that name which in none of these exceeds what one in twenty
benign captures reaches has no evidence in its packets, whatever it was meant to be. And a DDoS comes from
several sources: one whose busiest second is one source's is a DoS, whatever its name. Such captures are
listed with their numbers, and figures are given with and without them: none is dropped in silence. A
training run may leave them out (`unfit`), since a network that learns one connection a second to be a flood
calls every poller one; it is judged on them all the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from detector.records import Category
from train.datasets import Entry
from train.survey import SPANS_SECS, Reach, Surveyed

ORDINARY_SHARE = 0.05
"""A value that more than this share of benign captures reaches is ordinary."""

LONE_SHARE = 0.95
"""Of the packets in the victim's busiest second, what one source sends that is alone: the rest is the noise
of the internet, or somebody's ordinary life."""

_FLOOD = ("packets", "pair_packets", "new_flows", "unanswered", "peers")
_SCAN = ("ends", "ports", "peers", "new_flows", "unanswered")
_TARGET, _SOURCE = "as_target", "as_source"
_SHOWS = {Category.DDOS: (_TARGET, _FLOOD), Category.DOS: (_TARGET, _FLOOD), Category.RECON: (_SOURCE, _SCAN)}
"""From which end an attack is seen, and by what."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One quantity of an attack capture, beside the benign ones."""

    quantity: str
    value: float
    benign_share: float
    """Of benign captures, how many reach as much."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attack capture whose packets show nothing that benign captures do not."""

    capture: str
    origin: str
    category: str
    flows: int
    packets: int
    seconds: float
    evidence: tuple[Evidence, ...]
    """All that was looked at, the rarest first."""
    alone: bool = False
    """Whether it is a flood from one source by the name of one from many."""

    def line(self) -> str:
        """Return it as a line of text, with what stands out most."""
        most = ", ".join(
            f"{each.quantity} {each.value:g} (as {each.benign_share:.0%} of benign captures)"
            for each in self.evidence[:3]
        )
        size = f"{self.flows} flows, {self.packets} packets in {self.seconds:.1f} s"
        if self.alone:
            most = f"one source sends {LONE_SHARE:.0%} or more of its busiest second"
        return f"{self.category} not supported: {self.capture}: {size}; {most}"


def find(surveyed: Iterable[Surveyed], ordinary_share: float = ORDINARY_SHARE) -> list[Doubt]:
    """Return the attack captures that exceed, in no quantity, what `ordinary_share` of benign ones reach.

    And what is called a DDoS but comes from one source.
    """
    captures = list(surveyed)
    benign = [one for one in captures if one.category == Category.BENIGN and one.flows]
    doubts = []
    for one in captures:
        if one.category not in _SHOWS or not benign:
            continue
        evidence = _evidence(one, benign)
        alone = one.category == Category.DDOS and _alone(one)
        if alone or all(each.benign_share > ordinary_share for each in evidence):
            size = (one.flows, one.packets, one.seconds)
            doubts.append(Doubt(one.capture, one.origin, one.category, *size, evidence, alone))
    return doubts


def unfit(entries: Iterable[Entry], surveyed: Mapping[str, Surveyed]) -> frozenset[str]:
    """Return the captures that teach a wrong lesson: attacks in name alone, by `find`.

    The lab's own are none of them: their truth is known, flow by flow, and what is slow among them was meant
    to be. The more busy benign captures a survey holds, the more it asks of an attack.
    """
    doubted = {doubt.capture for doubt in find(surveyed.values())}
    return frozenset(each.capture for each in entries if each.layout != "lab" and each.capture in doubted)


def _alone(one: Surveyed) -> bool:
    """Tell whether one source sends nearly all that the victim gets in its busiest second."""
    packets, of_one = (_value(one, _TARGET, f"{name}_1s") for name in ("packets", "pair_packets"))
    return of_one >= LONE_SHARE * packets > 0


def _evidence(one: Surveyed, benign: list[Surveyed]) -> tuple[Evidence, ...]:
    role, quantities = _SHOWS[Category(one.category)]
    names = [f"{quantity}_{span}s" for quantity in quantities for span in SPANS_SECS]
    shown = [_compared(one, benign, role, name) for name in [*names, "open_connections"]]
    return tuple(sorted(shown, key=lambda each: (each.benign_share, each.quantity)))


def _compared(one: Surveyed, benign: list[Surveyed], role: str, quantity: str) -> Evidence:
    value = _value(one, role, quantity)
    reached = np.array([_value(each, role, quantity) >= value for each in benign])
    return Evidence(quantity, value, float(reached.mean()))


def _value(one: Surveyed, role: str, quantity: str) -> float:
    found: Reach = getattr(one, role)
    return found.get(quantity, 0.0)
