"""How good a model is on origins it never saw: by window, and by capture as an operator meets it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from detector.bundle import Thresholds
from detector.records import CATEGORIES, Category
from detector.scorer import Scorer
from train.datasets import Dataset, Entry
from train.tune import Scored, certain, opens

_BENIGN = CATEGORIES.index(Category.BENIGN)
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """What the real policy and the real incidents made of one capture."""

    capture: str
    origin: str
    category: str
    opened: tuple[str, ...]
    """Classes of certain incidents, each once."""
    uncertain: tuple[str, ...]
    """Classes of incidents of low severity, each once."""
    latency_ms: int | None
    """From the first packet in evidence to the first right `open`."""

    @property
    def noticed(self) -> bool:
        """Like `right`, but an incident of low severity counts too."""
        opened = {*self.opened, *self.uncertain}
        return not opened if self.category == Category.BENIGN else self.category in opened

    @property
    def right(self) -> bool:
        """Whether the right class opened, or nothing at all where nothing should."""
        return not self.opened if self.category == Category.BENIGN else self.category in self.opened


def window_figures(probabilities: NDArray[np.float32], labels: NDArray[np.int8]) -> Figures:
    """Return macro-F1 and F1 by class of the likeliest class, over the classes that occur."""
    present = np.unique(labels)
    chosen = probabilities.argmax(axis=1)
    single = f1_score(labels, chosen, labels=present, average=None, zero_division=0.0)
    figures = {f"f1_{CATEGORIES[label]}": float(f1) for label, f1 in zip(present, single, strict=True)}
    return {"macro_f1": float(np.mean(single)), **figures}


def threshold_figures(
    probabilities: NDArray[np.float32], labels: NDArray[np.int8], thresholds: Thresholds
) -> Figures:
    """Return how often benign windows raise an attack class or are uncertain, and how often attacks do."""
    needed = np.array([getattr(thresholds, category.lower()) for category in CATEGORIES], np.float32)
    reached = probabilities >= needed
    raised: NDArray[np.bool_] = np.asarray(np.delete(reached, _BENIGN, axis=1).any(axis=1))
    benign: NDArray[np.bool_] = np.equal(labels, _BENIGN)
    figures = {
        "false_alarm_rate": _share(raised[benign]),
        "uncertain_rate": _share((~raised & ~reached[:, _BENIGN])[benign]),
    }
    for label in np.unique(labels[~benign]):
        figures[f"raised_{CATEGORIES[label]}"] = _share(reached[labels == label, label])
    return figures


def by_origin(
    probabilities: NDArray[np.float32], labels: NDArray[np.int8], origins: NDArray[np.str_]
) -> dict[str, Figures]:
    """Return each origin's share of windows told right, by class, and its number of windows."""
    right: NDArray[np.bool_] = np.equal(probabilities.argmax(axis=1), labels)
    return {
        str(origin): {
            "windows": float((origins == origin).sum()),
            **{
                f"recall_{CATEGORIES[label]}": _share(right[(origins == origin) & (labels == label)])
                for label in np.unique(labels[origins == origin])
            },
        }
        for origin in np.unique(origins)
    }


def judge_capture(entry: Entry, scored: Scored, thresholds: Thresholds) -> CaptureOutcome:
    """Send all windows of a capture, left-out ones too, through policy and incidents."""
    opened = opens(scored, thresholds)
    sure = [alert for alert in opened if certain(alert)]
    right = [alert.time_ms - alert.first_ms for alert in sure if alert.category == entry.category]
    return CaptureOutcome(
        capture=entry.capture,
        origin=entry.origin,
        category=entry.category,
        opened=tuple(sorted({str(alert.category) for alert in sure})),
        uncertain=tuple(sorted({str(alert.category) for alert in opened if not certain(alert)})),
        latency_ms=right[0] if right else None,
    )


def capture_figures(outcomes: list[CaptureOutcome]) -> Figures:
    """Return the share of captures told right, by class, and the latency of the right opens.

    `right`: the class opened, or nothing did on a benign capture. `noticed`: uncertain incidents, of
    low severity, count as opened too.

    Captures of no single class do not count: their class says nothing of when.
    """
    figures: Figures = {}
    for category in CATEGORIES:
        told = np.array([outcome.right for outcome in outcomes if outcome.category == category], bool)
        if len(told):
            noticed = np.array(
                [outcome.noticed for outcome in outcomes if outcome.category == category], bool
            )
            figures |= {
                f"captures_{category}": float(len(told)),
                f"right_{category}": _share(told),
                f"noticed_{category}": _share(noticed),
            }
    latencies = [outcome.latency_ms for outcome in outcomes if outcome.latency_ms is not None]
    if latencies:
        median, late = np.quantile(latencies, [0.5, 0.95]) / 1000.0
        figures |= {"latency_median_secs": float(median), "latency_p95_secs": float(late)}
    return figures


def evaluate_windows(scorer: Scorer, dataset: Dataset, thresholds: Thresholds) -> Figures:
    """Return all figures by window of one model."""
    probabilities = scorer.score(dataset.sequences)
    return {
        **window_figures(probabilities, dataset.labels),
        **threshold_figures(probabilities, dataset.labels, thresholds),
    }


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0
