import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from train.calibrate import Budget, choose_thresholds, fit_temperature, loss, softmax

ONES = np.ones(4000, np.float32)


def drawn(temperature: float) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Return logits that are too sure by a factor, and labels drawn from what they should say."""
    random = np.random.default_rng(0)
    honest = random.normal(scale=2.0, size=(4000, 4))
    labels = np.array([random.choice(4, p=row) for row in softmax(honest.astype(np.float32))], np.int8)
    return (honest * temperature).astype(np.float32), labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature), ONES) == pytest.approx(temperature, rel=0.08)


def test_no_other_temperature_is_likelier() -> None:
    logits, labels = drawn(2.0)
    found = fit_temperature(logits, labels, ONES)
    best = loss(logits, labels, ONES, found)
    assert all(loss(logits, labels, ONES, found * factor) > best for factor in (0.5, 0.9, 1.1, 2.0))


def test_weights_of_zero_take_windows_out() -> None:
    logits, labels = drawn(2.0)
    wrong = (labels + 1) % 4
    weights = np.repeat([1.0, 0.0], 4000).astype(np.float32)
    mixed = fit_temperature(np.vstack([logits, logits]), np.hstack([labels, wrong]).astype(np.int8), weights)
    assert mixed == pytest.approx(fit_temperature(logits, labels, ONES))


def test_softmax_survives_large_logits() -> None:
    assert softmax(np.array([[1e4, 0.0]], np.float32)).tolist() == [[1.0, 0.0]]


@given(seed=st.integers(0, 1000), rate=st.floats(0.0, 0.2), sharpness=st.floats(0.1, 5.0))
def test_thresholds_keep_the_budget_unless_that_is_out_of_bounds(
    seed: int, rate: float, sharpness: float
) -> None:
    logits = np.random.default_rng(seed).normal(scale=sharpness, size=(500, 4)).astype(np.float32)
    probabilities = softmax(logits)
    budget = Budget(false_alarm_rate=rate, uncertain_rate=0.0)
    chosen = choose_thresholds(probabilities, np.zeros(500, np.int8), budget)
    attacks = np.array([chosen.ddos, chosen.dos, chosen.recon])
    assert (attacks >= budget.lowest).all()
    assert (attacks <= budget.highest).all()
    within = attacks < budget.highest
    raised = (probabilities[:, 1:] >= attacks)[:, within].any(axis=1)
    assert raised.mean() <= rate
    assert chosen.benign <= 0.5


def test_without_a_benign_window_thresholds_are_the_lowest() -> None:
    chosen = choose_thresholds(softmax(np.zeros((2, 4), np.float32)), np.array([1, 2], np.int8), Budget())
    assert chosen.model_dump() == {"benign": 0.5, "recon": 0.5, "dos": 0.5, "ddos": 0.5}


def test_only_the_class_that_benign_traffic_resembles_pays() -> None:
    probabilities = np.tile([0.95, 0.01, 0.02, 0.02], (1000, 1))
    probabilities[:5] = [0.1, 0.01, 0.09, 0.8]
    chosen = choose_thresholds(probabilities, np.zeros(1000, np.int8), Budget())
    assert chosen.recon == pytest.approx(0.8001, abs=2e-4)
    assert (chosen.dos, chosen.ddos) == (0.5, 0.5)
