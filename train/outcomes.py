"""How good a model is by capture, as an operator meets it: what opened, when, and what should not have."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from detector.bundle import Thresholds
from detector.records import CATEGORIES, Category
from train.datasets import Entry
from train.measures import Figures
from train.survey import Surveyed
from train.tune import Scored, certain, opens

OTHER = "other"
"""The category of captures that show none of the four classes: brute force, command and control ..."""

FEW_FLOWS = 20
"""Captures with fewer are counted apart too: three windows can hardly agree on them."""

CURVE = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
"""Thresholds at which Recon is weighed against Benign."""

_HOUR_SECS = 3600.0


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """What the real policy and the real incidents made of one capture."""

    capture: str
    origin: str
    category: str
    opened: tuple[str, ...]
    """Classes of incidents that were certain when they opened, or became so, each once."""
    uncertain: tuple[str, ...]
    """Classes of incidents of low severity, and never of more, each once."""
    latency_ms: int | None
    """To the first right `open`, or to when it became certain: from the attack's first packet if a survey
    knows it, else from the first packet in evidence."""
    incidents: int = 0
    """Certain incidents."""
    doubtful: int = 0
    """Incidents of low severity."""
    evidence_ms: int | None = None
    """To the same `open`, from the first packet in evidence: what an attack that begins slowly does not make
    later."""

    @property
    def noticed(self) -> bool:
        """Like `right`, but an incident of low severity counts too."""
        return self._right({*self.opened, *self.uncertain})

    @property
    def right(self) -> bool:
        """Whether the right class opened, or nothing at all where nothing should."""
        return self._right({*self.opened})

    def _right(self, opened: set[str]) -> bool:
        return self.category in opened if self.attack else not opened

    @property
    def attack(self) -> bool:
        """Whether an incident of its class should open."""
        return self.category not in (Category.BENIGN, OTHER)


def judge_capture(
    entry: Entry, scored: Scored, thresholds: Thresholds, surveyed: Surveyed | None = None
) -> CaptureOutcome:
    """Send all windows of a capture, left-out ones too, through policy and incidents."""
    began = surveyed.attack_began_ms if surveyed else None
    return judge_opens(scored, thresholds, origin=entry.origin, category=entry.category, began_ms=began)


def judge_opens(
    scored: Scored, thresholds: Thresholds, *, origin: str, category: str, began_ms: int | None
) -> CaptureOutcome:
    """Tell what policy and incidents make of a capture of an origin and class.

    `began_ms` is the time of the attack's first packet, None if nobody knows it.
    """
    opened = opens(scored, thresholds)
    sure = [alert for alert in opened if certain(alert)]
    right = next((alert for alert in sure if alert.category == category), None)
    evidence_ms = right.time_ms - right.first_ms if right else None
    return CaptureOutcome(
        capture=scored.name,
        origin=origin,
        category=category,
        opened=tuple(sorted({str(alert.category) for alert in sure})),
        uncertain=tuple(sorted({str(alert.category) for alert in opened if not certain(alert)})),
        latency_ms=right.time_ms - began_ms if right and began_ms is not None else evidence_ms,
        evidence_ms=evidence_ms,
        incidents=len(sure),
        doubtful=len(opened) - len(sure),
    )


def capture_figures(
    outcomes: list[CaptureOutcome], surveyed: Mapping[str, Surveyed] | None = None
) -> Figures:
    """Return the share of captures told right, by class, and how soon the right ones opened.

    `right`: the class opened, or nothing did on a benign capture. `noticed`: uncertain incidents, of
    low severity, count as opened too. Captures of no single class do not count: their class says nothing
    of when. With a survey of the captures, those of few flows are also counted apart, and false incidents
    are set against the time and the devices that they took (`Surveyed.device_days`).
    """
    known = surveyed or {}
    figures = _by_class(outcomes, "")
    many = [one for one in outcomes if one.capture in known and known[one.capture].flows >= FEW_FLOWS]
    few = [one for one in outcomes if one.capture in known and known[one.capture].flows < FEW_FLOWS]
    for chosen, name in ((many, f"_from_{FEW_FLOWS}_flows"), (few, f"_below_{FEW_FLOWS}_flows")):
        figures |= _by_class([one for one in chosen if one.attack], name)
    for name in ("latency", "evidence"):
        taken = [each for one in outcomes if (each := getattr(one, f"{name}_ms")) is not None]
        if taken:
            median, late = np.quantile(taken, [0.5, 0.95]) / 1000.0
            figures |= {f"{name}_median_secs": float(median), f"{name}_p95_secs": float(late)}
    return figures | _false_incidents(outcomes, known) | _other(outcomes)


def _by_class(outcomes: list[CaptureOutcome], suffix: str) -> Figures:
    figures: Figures = {}
    for category in CATEGORIES:
        chosen = [one for one in outcomes if one.category == category]
        if chosen:
            figures |= {
                f"captures_{category}{suffix}": float(len(chosen)),
                f"right_{category}{suffix}": _mean(chosen, lambda one: one.right),
                f"noticed_{category}{suffix}": _mean(chosen, lambda one: one.noticed),
            }
    return figures


def _false_incidents(outcomes: list[CaptureOutcome], known: Mapping[str, Surveyed]) -> Figures:
    benign = [one for one in outcomes if one.category == Category.BENIGN and one.capture in known]
    days = sum(known[one.capture].device_days for one in benign)
    hours = sum(known[one.capture].seconds for one in benign) / _HOUR_SECS
    if not days:
        return {}
    false, doubtful = sum(one.incidents for one in benign), sum(one.doubtful for one in benign)
    return {
        "benign_hours": hours,
        "benign_device_days": days,
        "false_incidents": float(false),
        "false_incidents_per_hour": false / hours,
        "false_incidents_per_device_day": false / days,
        "uncertain_incidents_per_device_day": doubtful / days,
    }


def _other(outcomes: list[CaptureOutcome]) -> Figures:
    """Return how often what is none of the classes is called, surely, one of the attacks."""
    other = [one for one in outcomes if one.category == OTHER]
    if not other:
        return {}
    named = {
        f"other_called_{category}": _mean(other, lambda one, name=category: name in one.opened)  # type: ignore[misc] # bound now
        for category in CATEGORIES
        if category != Category.BENIGN
    }
    return {
        "captures_other": float(len(other)),
        "other_silent": _mean(other, lambda one: not one.opened),
        **named,
    }


def _mean(outcomes: Iterable[CaptureOutcome], said: Callable[[CaptureOutcome], bool]) -> float:
    return float(np.mean([said(one) for one in outcomes]))


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What one threshold of Recon buys and costs, the others as they are."""

    threshold: float
    recon_windows: float
    """Share of Recon windows that reach it."""
    benign_windows: float
    """Share of benign windows that reach it."""
    recon_captures: float
    """Share of Recon captures in which Recon opens."""
    benign_captures: float
    """Share of benign captures in which Recon opens."""


def opens_recon(entry: Entry, scored: Scored, thresholds: Thresholds) -> tuple[bool, ...] | None:
    """Tell at each threshold of `CURVE` whether a Recon incident opens; None on captures of other classes."""
    if entry.category not in (Category.BENIGN, Category.RECON):
        return None
    highest = scored.probabilities[:, CATEGORIES.index(Category.RECON)].max(initial=0.0)
    return tuple(
        bool(highest >= at)
        and any(
            alert.category == Category.RECON and certain(alert)
            for alert in opens(scored, thresholds.model_copy(update={"recon": at}))
        )
        for at in CURVE
    )
