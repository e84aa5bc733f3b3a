"""Thresholds for a budget of false incidents: what an operator counts, not single windows.

Incidents open when several windows of a host agree, so a threshold may be lower than single windows
would allow. Every choice is made on captures of validation origins.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds, WindowSettings
from detector.config import IncidentConfig, ThresholdConfig
from detector.incidents import Incidents
from detector.plausible import plausible
from detector.policy import Policy
from detector.records import CATEGORIES, Alert, Category, Source, WindowBatch

ATTACK_GRID = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99)
BENIGN_GRID = (0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.0)
UNCERTAIN_PART = 1 / 3
"""Uncertain incidents may be false a third as often: they are the least that an operator wants to be told."""
_BENIGN = CATEGORIES.index(Category.BENIGN)
_SILENT = Thresholds(benign=0.0, recon=1.0, dos=1.0, ddos=1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """All windows of one capture, with their calibrated probabilities."""

    name: str
    windows: WindowBatch
    probabilities: NDArray[np.float32]
    settings: WindowSettings
    """What the windows were cut by."""


def opens(capture: Scored, thresholds: Thresholds) -> list[Alert]:
    """Return the incidents that real policy and real incidents open on a capture, as `announced` tells."""
    incidents = Incidents(IncidentConfig(), "", [Source(capture.name, live=False)])
    verdicts = Policy(thresholds, ThresholdConfig(), capture.settings).judge(
        capture.windows, capture.probabilities
    )
    return announced(incidents.update(verdicts))


def announced(alerts: Iterable[Alert]) -> list[Alert]:
    """Return one alert an incident: that it opened or, if it was uncertain then, that it became certain.

    That is when an operator is told of the attack, and a false one is no less false for it.
    """
    found: dict[str, Alert] = {}
    for alert in alerts:
        incident = alert.event["iotids"]["incident_id"]
        if found.setdefault(incident, alert).uncertain and not alert.uncertain:
            found[incident] = alert
    return list(found.values())


def certain(alert: Alert) -> bool:
    """Tell an incident of a class that reached its threshold from an uncertain one."""
    return not alert.uncertain


def tune(benign: Sequence[Scored], *, false_share: float = 0.01) -> Thresholds:
    """Return the lowest thresholds at which at most `false_share` of benign captures raise an incident.

    Each attack class by itself may do so, and uncertain incidents together in a third as many.
    """
    # Where Benign is likelier than all attacks together, in every window, no threshold here is reached.
    restless = [each for each in benign if (_weighed(each)[:, _BENIGN] <= BENIGN_GRID[0]).any()]

    def share(accused: Callable[[Alert], bool], thresholds: Thresholds) -> float:
        return sum(any(map(accused, opens(each, thresholds))) for each in restless) / max(len(benign), 1)

    chosen: dict[str, float] = {}
    for name in ("recon", "dos", "ddos"):
        alone = [(each, _SILENT.model_copy(update={name: each})) for each in ATTACK_GRID]
        fitting = (each for each, thresholds in alone if share(certain, thresholds) <= false_share)
        chosen[name] = next(fitting, ATTACK_GRID[-1])
    together = [Thresholds(**chosen, benign=each) for each in BENIGN_GRID]
    quiet = (
        each
        for each in together
        if share(lambda alert: not certain(alert), each) <= UNCERTAIN_PART * false_share
    )
    return next(quiet, together[-1])


def _weighed(capture: Scored) -> NDArray[np.float32]:
    return plausible(capture.probabilities, capture.windows.facts, capture.settings)
