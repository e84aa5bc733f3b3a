"""What `evade` measures and how it is told: strength of an evasion against incidents that still open."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from detector.records import CATEGORIES, Category
from train.files import read, save
from train.outcomes import CaptureOutcome

AS_IS = "none"
"""Stands where others name an evasion: the capture as it is."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """How strong an evasion is measured."""

    title: str
    told: str
    """What is done, for the report."""
    axis: str
    """What its strength is."""
    as_is: float
    """The strength that changes nothing."""
    recon: tuple[float, ...]
    floods: tuple[float, ...]

    def strengths(self, category: str) -> tuple[float, ...]:
        return self.recon if category == Category.RECON else self.floods


_DELAYS, _BYTES, _LOST = (0.1, 0.5, 1.0, 2.0), (100.0, 300.0, 1000.0), (0.01, 0.05, 0.1, 0.25)

LADDERS = {
    "slower": Ladder(
        "Slower",
        "Every interval of the attack is multiplied; so is the time that it takes to show itself.",
        "times slower",
        1.0,
        (2.0, 4.0, 8.0, 16.0, 32.0),
        (2.0, 4.0, 8.0, 16.0),
    ),
    "jitter": Ladder(
        "Jitter",
        "Each packet of an attacker is delayed by a random time; answers follow the packet they answer.",
        "longest delay, seconds",
        0.0,
        _DELAYS,
        _DELAYS,
    ),
    "padding": Ladder(
        "Padding",
        "Each packet of an attacker carries some random bytes more, up to so many and to the MTU.",
        "most bytes added to a packet",
        0.0,
        _BYTES,
        _BYTES,
    ),
    "decoys": Ladder(
        "Decoys",
        "Each probe of a scan is sent from so many made-up hosts too, and the victim answers all alike. Any "
        "incident of Recon counts, whoever it names. Floods need no answer: their decoys are DDoS.",
        "decoys",
        0.0,
        (1.0, 5.0, 10.0, 20.0),
        (),
    ),
    "loss": Ladder(
        "Loss",
        "So many of all packets, the ordinary ones too, are lost on the way to the detector.",
        "share of packets lost",
        0.0,
        _LOST,
        _LOST,
    ),
}
"""By name."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one run made of one capture in one disguise."""

    evasion: str
    strength: float
    run: str
    outcome: CaptureOutcome
    packets: int
    windows: int
    key: str
    """Digest of all that it depends on."""


@dataclass(frozen=True, slots=True)
class Point:
    """What an evasion of one strength leaves of detection."""

    strength: float
    captures: int
    right: float
    """Share of captures in which an incident of the class opened, over all runs that judged them."""
    noticed: float
    """Likewise, incidents of low severity too."""
    still: float | None
    """Of those in which it opened as they are, the share in which it still does; None if it did in none."""
    other: float
    """Share in which an incident of another attack opened, beside the right one or in its place."""
    latency_median_secs: float | None
    """From the attack's first packet, of those in which it opened as they are; where it does no more it never
    does, so that slow ones that drop out make nothing faster. None if it does not in half of them."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One class under one evasion; the first point is the captures as they are."""

    evasion: str
    category: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Evasion:
    """`evasion.json`."""

    curves: tuple[Curve, ...]
    """Empty while the work goes on."""
    rows: list[Row]
    left_out: dict[str, str]
    """Capture and disguise to why it could not be measured."""


_FILE = TypeAdapter(Evasion)


def read_evasion(path: Path) -> Evasion:
    """Read what `evade` wrote.

    Raises:
        UsageError: there is nothing, or it is damaged.
    """
    return read(path, _FILE, what="evasion", command="evade")


def write_evasion(path: Path, found: Evasion) -> Evasion:
    """Write it as JSON, whole or not at all; returns it."""
    save(path, _FILE.dump_json(found, indent=1) + b"\n")
    return found


def curves_of(rows: Iterable[Row]) -> tuple[Curve, ...]:
    """Return a curve for each evasion and class that was measured."""
    at: dict[tuple[str, str], dict[float, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        at[row.evasion, row.outcome.category][row.strength].append(row)
    return tuple(
        Curve(name, category, tuple(_points(at[AS_IS, category][0.0], ladder, at[name, category])))
        for name, ladder in LADDERS.items()
        for category in map(str, CATEGORIES)
        if at[name, category]
    )


def _points(as_is: list[Row], ladder: Ladder, disguised: dict[float, list[Row]]) -> Iterator[Point]:
    opened = {(row.run, row.outcome.capture) for row in as_is if row.outcome.right}
    for strength, rows in [(ladder.as_is, as_is), *sorted(disguised.items())]:
        outcomes = [row.outcome for row in rows]
        kept = [row.outcome for row in rows if (row.run, row.outcome.capture) in opened]
        yield Point(
            strength=strength,
            captures=len({one.capture for one in outcomes}),
            right=float(np.mean([one.right for one in outcomes])),
            noticed=float(np.mean([one.noticed for one in outcomes])),
            still=float(np.mean([one.right for one in kept])) if kept else None,
            other=float(np.mean([bool({*one.opened} - {one.category}) for one in outcomes])),
            latency_median_secs=_median_secs(kept),
        )


def _median_secs(outcomes: list[CaptureOutcome]) -> float | None:
    latencies = [math.inf if one.latency_ms is None else one.latency_ms / 1000.0 for one in outcomes]
    middle = float(np.median(latencies)) if latencies else math.inf
    return middle if math.isfinite(middle) else None


def lines(curves: Iterable[Curve]) -> Iterator[str]:
    """Tell the curves, a line each: at which strength how many still open, and how soon."""
    for curve in curves:
        told = ", ".join(
            f"{point.strength:g}: {point.right:.0%}"
            + (f" (still {point.still:.0%})" if point.still is not None else "")
            + (f" {point.latency_median_secs:.1f} s" if point.latency_median_secs is not None else "")
            for point in curve.points
        )
        yield f"{curve.evasion:8}  {curve.category:5}  {curve.points[0].captures} captures  {told}"
