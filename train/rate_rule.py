"""The plainest thing that could work: limits on rates, as an administrator would set them in a firewall.

A source that lately asked many ports or many hosts scans; a target that was lately sent many flows, most of
them unanswered, or many packets, is flooded, by many sources (DDoS) or by few (DoS). The limits are chosen
on validation origins alone, one after the other, for the best macro-F1. A model that does not beat
this is not worth its weights.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from detector.features import SCHEMA
from detector.plausible import DDOS_SOURCES
from detector.records import CATEGORIES, Category
from train.datasets import Dataset

_SURE = 0.97
"""What the rule gives its answer; the rest is shared. It knows no degrees."""

_GRID = {
    "ends": (8.0, 12.0, 16.0, 24.0, 32.0, 64.0, 128.0),
    "flows": (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0),
    "packets": (500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 50_000.0),
    "unanswered": (0.0, 0.3, 0.5, 0.8, 0.95),
}
_ROUNDS = 2
"""The limits depend on each other: each is looked at again."""


@dataclass(frozen=True, slots=True)
class RateRule:
    """Scores windows as the detector's `Scorer`s do. Counts are those of the window's newest flow, decaying
    over the last seconds (`recent_...`)."""

    ends: float = 24.0
    """Ports or hosts from which a source scans."""
    flows: float = 200.0
    """Flows from which a target is flooded ..."""
    unanswered: float = 0.5
    """... if at least this share of the window's is unanswered."""
    packets: float = 5000.0
    """Packets from which a target is flooded, answered or not."""

    def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, (m, C), that only tell which class the rule names."""
        named = np.full((len(sequences), len(CATEGORIES)), (1 - _SURE) / (len(CATEGORIES) - 1), np.float32)
        named[np.arange(len(sequences)), self.classify(sequences)] = _SURE
        return named

    def classify(self, sequences: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return each window's class, (m,)."""
        newest = dict(zip(SCHEMA.names, sequences[:, -1].T, strict=True))
        as_target = newest["as_target"] > 0
        many = (newest["recent_flows"] >= self.flows) & (newest["unanswered_share"] >= self.unanswered)
        flooded = as_target & (many | (newest["recent_packets"] >= self.packets))
        spread = newest["recent_peers"] >= DDOS_SOURCES
        scans = ~as_target & (np.maximum(newest["recent_ports"], newest["recent_peers"]) >= self.ends)
        return np.select(
            [flooded & spread, flooded, scans],
            [CATEGORIES.index(each) for each in (Category.DDOS, Category.DOS, Category.RECON)],
            CATEGORIES.index(Category.BENIGN),
        )


def choose(validation: Dataset) -> RateRule:
    """Return the rule whose limits do best on windows of validation origins."""
    rule, best = RateRule(), -1.0
    for _ in range(_ROUNDS):
        for name, values in _GRID.items():
            for value in values:
                tried = replace(rule, **{name: value})
                reached = float(
                    f1_score(
                        validation.labels,
                        tried.classify(validation.sequences),
                        average="macro",
                        zero_division=0.0,
                    )
                )
                if reached > best:
                    rule, best = tried, reached
    return rule
