from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn")

from detector.bundle import Thresholds, WindowSettings
from detector.records import WindowBatch
from tests.train import samples
from train.outcomes import CURVE, CaptureOutcome, capture_figures, judge_capture, opens_recon
from train.survey import Surveyed
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


def scored(scorer: Told, count: int = 6) -> Scored:
    content = samples.windows([-1] * count)
    windows = WindowBatch(content.sequences, content.facts)
    return Scored("lab", windows, scorer.score(content.sequences), WindowSettings())


def outcome(scorer: Told, category: str, count: int = 6, surveyed: Surveyed | None = None) -> CaptureOutcome:
    return judge_capture(samples.entry("lab", category), scored(scorer, count), THRESHOLDS, surveyed)


def surveyed(capture: str, *, flows: int = 50, began_ms: int | None = None) -> Surveyed:
    """A capture of two hours and three hosts."""
    return Surveyed(capture, "x", "Benign", flows, 900, 7200.0, 3, began_ms, {}, {})


def test_three_windows_that_agree_open_an_incident() -> None:
    found = outcome(Told([sure(3)]), "Recon")
    assert (found.opened, found.uncertain, found.right, found.incidents) == (("Recon",), (), True, 1)
    assert found.latency_ms == found.evidence_ms == 2500


def test_latency_counts_from_the_attacks_first_packet_where_it_is_known() -> None:
    began = surveyed("lab", began_ms=1_000_000 - 1_500)
    found = outcome(Told([sure(3)]), "Recon", surveyed=began)
    assert (found.latency_ms, found.evidence_ms) == (3500, 2500)


def test_two_windows_open_none() -> None:
    found = outcome(Told([sure(3)]), "Recon", count=2)
    assert (found.opened, found.right, found.latency_ms) == ((), False, None)


def test_benign_captures_are_right_while_nothing_certain_opens() -> None:
    assert outcome(Told([sure(0)]), "Benign").right
    assert not outcome(Told([sure(3)]), "Benign").right
    unsure = outcome(Told([[0.3, 0.1, 0.1, 0.5]]), "Benign")
    assert (unsure.right, unsure.noticed, unsure.uncertain) == (True, False, ("Recon",))


OUTCOMES = [
    CaptureOutcome("a", "x", "Recon", ("Recon",), (), 1000, 1, 0, 250),
    CaptureOutcome("b", "x", "Recon", ("DoS",), ("Recon",), None, 1, 1),
    CaptureOutcome("c", "x", "Benign", (), ("DoS",), None, 0, 1),
    CaptureOutcome("d", "x", "mixed", ("DoS",), (), None, 1),
    CaptureOutcome("e", "x", "Benign", ("DoS",), (), None, 2, 0),
]


def test_captures_are_counted_by_class() -> None:
    assert capture_figures(OUTCOMES) == {
        "captures_Benign": 2.0,
        "right_Benign": 0.5,
        "noticed_Benign": 0.0,
        "captures_Recon": 2.0,
        "right_Recon": 0.5,
        "noticed_Recon": 1.0,
        "latency_median_secs": 1.0,
        "latency_p95_secs": 1.0,
        "evidence_median_secs": 0.25,
        "evidence_p95_secs": 0.25,
    }


def test_a_survey_tells_small_captures_and_the_time_that_false_incidents_took() -> None:
    known = {name: surveyed(name, flows=19 if name == "b" else 20) for name in "abce"}
    figures = capture_figures(OUTCOMES, known)
    assert (figures["captures_Recon_from_20_flows"], figures["right_Recon_from_20_flows"]) == (1.0, 1.0)
    assert (figures["captures_Recon_below_20_flows"], figures["right_Recon_below_20_flows"]) == (1.0, 0.0)
    assert figures["benign_device_days"] == pytest.approx(2 * 3 * 2 / 24)
    assert figures["false_incidents_per_hour"] == pytest.approx(2 / 4)
    assert figures["false_incidents_per_device_day"] == pytest.approx(2 / 0.5)
    assert figures["uncertain_incidents_per_device_day"] == pytest.approx(1 / 0.5)


def test_attacks_of_no_known_class_are_counted_apart() -> None:
    others = [
        CaptureOutcome("brute", "x", "other", ("DoS", "Recon"), (), None, 2),
        CaptureOutcome("c2", "x", "other", (), ("DDoS",), None, 0, 1),
    ]
    figures = capture_figures(others)
    assert figures == {
        "captures_other": 2.0,
        "other_silent": 0.5,
        "other_called_DDoS": 0.0,
        "other_called_DoS": 0.5,
        "other_called_Recon": 0.5,
    }


def test_the_curve_of_recon_is_of_recon_and_benign_captures_alone() -> None:
    likely = scored(Told([[0.18, 0.01, 0.01, 0.8]]))
    opened = opens_recon(samples.entry("lab", "Benign"), likely, THRESHOLDS)
    assert opened == tuple(at <= 0.8 for at in CURVE)
    assert opens_recon(samples.entry("lab", "DoS"), likely, THRESHOLDS) is None
