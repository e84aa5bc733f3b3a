from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn")

from detector.bundle import Thresholds
from detector.records import WindowBatch
from tests.train import samples
from train.evaluate import (
    CaptureOutcome,
    by_origin,
    capture_figures,
    evaluate_windows,
    judge_capture,
    threshold_figures,
    window_figures,
)
from train.tune import Scored

pytestmark = pytest.mark.tensorflow

THRESHOLDS = Thresholds(benign=0.4, recon=0.6, dos=0.6, ddos=0.6)


@dataclass
class Told:
    """A scorer that gives the rows it was told, over and over."""

    rows: list[list[float]]

    def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.array((self.rows * len(sequences))[: len(sequences)], np.float32)


def sure(label: int) -> list[float]:
    return [0.97 if column == label else 0.01 for column in range(4)]


def probabilities(*labels: int) -> NDArray[np.float32]:
    return np.array([sure(label) for label in labels], np.float32)


def labels(*values: int) -> NDArray[np.int8]:
    return np.array(values, np.int8)


def test_macro_f1_is_over_the_classes_that_occur() -> None:
    figures = window_figures(probabilities(0, 0, 3, 0), labels(0, 0, 3, 3))
    assert figures == pytest.approx({"f1_Benign": 0.8, "f1_Recon": 2 / 3, "macro_f1": (0.8 + 2 / 3) / 2})


def test_thresholds_are_judged_on_benign_and_attack_windows_apart() -> None:
    scored = np.array(
        [[0.5, 0.5, 0, 0], [0.3, 0.2, 0.2, 0.3], [0.1, 0, 0, 0.9], sure(3), sure(0)], np.float32
    )
    figures = threshold_figures(scored, labels(0, 0, 0, 3, 3), THRESHOLDS)
    assert figures == pytest.approx({"false_alarm_rate": 1 / 3, "uncertain_rate": 1 / 3, "raised_Recon": 0.5})


def test_origins_are_judged_apart() -> None:
    origins = np.array(["a", "a", "b"])
    found = by_origin(probabilities(0, 3, 3), labels(0, 0, 3), origins)
    assert found == {
        "a": {"windows": 2.0, "recall_Benign": 0.5},
        "b": {"windows": 1.0, "recall_Recon": 1.0},
    }


def outcome(scorer: Told, category: str, count: int = 6) -> CaptureOutcome:
    content = samples.windows([-1] * count)
    scored = Scored("lab", WindowBatch(content.sequences, content.facts), scorer.score(content.sequences))
    return judge_capture(samples.entry("lab", category), scored, THRESHOLDS)


def test_three_windows_that_agree_open_an_incident() -> None:
    found = outcome(Told([sure(3)]), "Recon")
    assert (found.opened, found.uncertain, found.right) == (("Recon",), (), True)
    assert found.latency_ms == 2500


def test_two_windows_open_none() -> None:
    found = outcome(Told([sure(3)]), "Recon", count=2)
    assert (found.opened, found.right, found.latency_ms) == ((), False, None)


def test_benign_captures_are_right_while_nothing_certain_opens() -> None:
    assert outcome(Told([sure(0)]), "Benign").right
    assert not outcome(Told([sure(3)]), "Benign").right
    unsure = outcome(Told([[0.3, 0.1, 0.1, 0.5]]), "Benign")
    assert (unsure.right, unsure.noticed, unsure.uncertain) == (True, False, ("Recon",))


def test_captures_are_counted_by_class() -> None:
    outcomes = [
        CaptureOutcome("a", "x", "Recon", ("Recon",), (), 1000),
        CaptureOutcome("b", "x", "Recon", ("DoS",), ("Recon",), None),
        CaptureOutcome("c", "x", "Benign", (), ("DoS",), None),
        CaptureOutcome("d", "x", "mixed", ("DoS",), (), None),
    ]
    assert capture_figures(outcomes) == {
        "captures_Benign": 1.0,
        "right_Benign": 1.0,
        "noticed_Benign": 0.0,
        "captures_Recon": 2.0,
        "right_Recon": 0.5,
        "noticed_Recon": 1.0,
        "latency_median_secs": 1.0,
        "latency_p95_secs": 1.0,
    }


def test_a_models_figures_by_window_come_together() -> None:
    figures = evaluate_windows(Told([sure(0)]), samples.dataset(1, 3), THRESHOLDS)
    assert {"macro_f1", "false_alarm_rate", "raised_DDoS"} <= figures.keys()
