from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.bundle import Thresholds, WindowSettings
from detector.records import CATEGORIES, FACTS_DTYPE
from tests.train import samples
from tests.train.test_tune import ALIKE, QUIET, capture
from train.calibrate import softmax
from train.crossfit import Told, cooled, crossed, temperature_of

OWN = Thresholds(benign=0.4, recon=0.51, dos=0.52, ddos=0.53)


def told(origin: str, sharpness: float, *, alike: int = 0, seed: int = 0, benign: bool = True) -> Told:
    """A model that is right as often as a sharpness of 1 would say, and says it with another."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (4000, len(CATEGORIES))).astype(np.float32)
    true = softmax(logits)
    labels = (true.cumsum(axis=1) < random.random((4000, 1))).sum(axis=1).clip(0, 3).astype(np.int8)
    category = "Benign" if benign else "DoS"
    captures = [
        (samples.entry(origin, category, f"{origin}/{n}"), capture(f"{origin}/{n}", [row] * 9))
        for n, row in enumerate([ALIKE] * alike + [QUIET] * 3)
    ]
    return Told(
        labels=labels,
        probabilities=softmax(sharpness * logits).astype(np.float32),
        facts=np.zeros(4000, FACTS_DTYPE),
        origins=np.array([origin] * 4000),
        names=np.array([f"{origin}/0"] * 4000),
        quiet=np.zeros(4000, bool),
        captures=tuple(captures),
        thresholds=OWN,
        window=WindowSettings(),
    )


@given(st.floats(0.2, 5.0))
def test_another_temperature_is_that_of_the_logits(temperature: float) -> None:
    logits: NDArray[np.float32] = np.random.default_rng(1).normal(0, 2, (50, 4)).astype(np.float32)
    found = cooled(softmax(logits).astype(np.float32), temperature)
    assert found == pytest.approx(softmax(logits, temperature), abs=1e-5)


def test_the_temperature_undoes_what_models_are_too_sure_of() -> None:
    assert temperature_of([told("a", 2.0), told("b", 2.0, seed=1)]) == pytest.approx(2.0, rel=0.1)
    assert temperature_of([told("a", 0.5)]) == pytest.approx(0.5, rel=0.1)


def test_captures_whose_label_is_in_doubt_choose_no_temperature() -> None:
    clear, doubtful = told("a", 2.0), told("b", 1.0, seed=1)
    wrong = replace(doubtful, labels=np.roll(doubtful.labels, 1))
    assert temperature_of([clear, wrong]) > 3.0
    assert temperature_of([clear, wrong], {"b/0"}) == temperature_of([clear])
    (judged, _) = crossed([told("c", 1.0, seed=2), clear], {"a/1"})
    assert judged.probabilities == pytest.approx(cooled(told("c", 1.0, seed=2).probabilities, 2.0), abs=0.1)


def test_what_knows_no_doubt_at_all_has_a_temperature_too() -> None:
    sure = replace(told("a", 1.0), probabilities=np.eye(4, dtype=np.float32)[told("a", 1.0).labels])
    assert np.isfinite(temperature_of([sure]))


def test_each_is_judged_with_what_the_others_choose() -> None:
    noisy, quiet = told("a", 2.0, alike=3), told("b", 1.0, seed=1)
    of_noisy, of_quiet = crossed([noisy, quiet])
    assert of_noisy.thresholds.recon == 0.5  # the other saw nothing that looks like a scan
    assert of_quiet.thresholds.recon == 0.6  # at half its certainty, what looks like a scan has 0.57
    assert of_noisy.probabilities == pytest.approx(cooled(noisy.probabilities, temperature_of([quiet])))
    assert of_quiet.probabilities == pytest.approx(cooled(quiet.probabilities, temperature_of([noisy])))
    assert of_quiet.captures[0][1].probabilities[0, 0] > quiet.captures[0][1].probabilities[0, 0] - 0.2
    assert (of_noisy.labels == noisy.labels).all()


def test_what_is_set_aside_may_ask_for_more() -> None:
    loud = tuple(capture(f"aside/{n}", [ALIKE] * 9) for n in range(3))
    quiet, other = told("a", 1.0), told("b", 1.0, seed=1)
    (alone, _), (judged, _) = crossed([quiet, other]), crossed([replace(quiet, aside=loud), other])
    assert alone.thresholds.recon == 0.5
    assert judged.thresholds.recon > 0.5
    assert judged.aside[0].probabilities == pytest.approx(
        cooled(loud[0].probabilities, temperature_of([other]))
    )


def test_what_is_set_aside_is_judged_by_all_models() -> None:
    loud = tuple(capture(f"aside/{n}", [ALIKE] * 9) for n in range(3))
    calm = tuple(capture(f"aside/{n}", [QUIET] * 9) for n in range(3))
    trusting, wary = replace(told("a", 1.0), aside=calm), replace(told("b", 1.0, seed=1), aside=loud)
    thresholds = [each.thresholds.recon for each in crossed([trusting, wary])]
    assert min(thresholds) > 0.5


def test_one_alone_keeps_its_own() -> None:
    (found,) = crossed([told("a", 2.0)])
    assert found.thresholds == OWN


def test_without_a_benign_capture_elsewhere_each_keeps_its_own() -> None:
    benign, attacks = told("a", 2.0), told("b", 2.0, benign=False)
    assert crossed([benign, attacks])[0].thresholds == OWN
    assert crossed([benign, attacks])[1].thresholds != OWN


def test_rules_have_nothing_to_choose() -> None:
    rules = replace(told("a", 2.0), calibrated=False)
    assert crossed([rules, told("b", 1.0)])[0].thresholds == OWN
