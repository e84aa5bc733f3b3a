from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.bundle import Thresholds
from detector.config import ThresholdConfig
from detector.policy import Policy
from detector.records import CATEGORIES, FACTS_DTYPE, Category, Role, Verdict, WindowBatch

BENIGN, DDOS, DOS, RECON = CATEGORIES
THRESHOLDS = Thresholds(benign=0.6, recon=0.7, dos=0.6, ddos=0.5)


def judge(
    rows: list[list[float]],
    *,
    role: Role = Role.SOURCE,
    ports: int = 9,
    peers: int = 9,
    seen: dict[str, Any] | None = None,
    **config: float,
) -> list[Verdict]:
    facts = np.zeros(len(rows), FACTS_DTYPE)
    facts["flows"] = np.arange(len(rows))
    facts["role"], facts["ports"] = role, ports
    facts["peers"] = facts["peers_total"] = peers
    facts["services"] = ports * peers
    for name, value in (seen or {}).items():
        facts[name] = value
    windows = WindowBatch(np.zeros((len(rows), 1, 1), np.float32), facts)
    return Policy(THRESHOLDS, ThresholdConfig(**config)).judge(
        windows, np.array(rows, np.float32).reshape(-1, 4)
    )


@pytest.mark.parametrize(
    ("row", "category", "uncertain"),
    [
        ([0.30, 0.00, 0.00, 0.70], RECON, False),  # float32(0.7) is below 0.7, yet reaches it
        ([0.31, 0.00, 0.00, 0.69], RECON, True),
        ([0.60, 0.00, 0.00, 0.40], BENIGN, False),
        ([0.59, 0.00, 0.00, 0.41], RECON, True),
        ([0.50, 0.50, 0.00, 0.00], DDOS, False),
        ([0.59, 0.20, 0.21, 0.00], DOS, True),  # uncertain: the likeliest attack, even below Benign
        ([0.25, 0.25, 0.25, 0.25], DDOS, True),
    ],
)
def test_a_class_is_raised_from_its_threshold_up(
    row: list[float], category: Category, *, uncertain: bool
) -> None:
    (verdict,) = judge([row])
    assert (verdict.category, verdict.uncertain) == (category, uncertain)
    assert verdict.confidence == pytest.approx(row[CATEGORIES.index(category)])
    assert verdict.probabilities == pytest.approx(tuple(row))


def test_an_attack_that_reaches_its_threshold_goes_before_a_benign_that_does() -> None:
    (verdict,) = judge([[0.7, 0.0, 0.0, 0.3]], recon=0.3)
    assert (verdict.category, verdict.uncertain) == (RECON, False)


def test_of_several_that_reach_their_thresholds_the_most_probable_is_raised() -> None:
    verdicts = judge([[0.0, 0.3, 0.2, 0.5], [0.0, 0.3, 0.5, 0.2]], recon=0.1, dos=0.4, ddos=0.1)
    assert [verdict.category for verdict in verdicts] == [RECON, DOS]


def test_a_class_below_its_threshold_yields_to_a_less_probable_one_above() -> None:
    (verdict,) = judge([[0.0, 0.4, 0.6, 0.0]], dos=0.9, ddos=0.4)
    assert (verdict.category, verdict.uncertain) == (DDOS, False)


def test_a_configured_threshold_replaces_only_its_own() -> None:
    verdicts = judge([[0.3, 0.0, 0.0, 0.7], [0.4, 0.0, 0.6, 0.0]], recon=0.9)
    assert [(verdict.category, verdict.uncertain) for verdict in verdicts] == [(RECON, True), (DOS, False)]


def test_verdicts_come_in_the_order_of_their_windows() -> None:
    verdicts = judge([[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]])
    assert [int(verdict.facts["flows"]) for verdict in verdicts] == [0, 1, 2]
    assert [verdict.category for verdict in verdicts] == [BENIGN, RECON, DDOS]


def test_no_window_gives_no_verdict() -> None:
    assert judge([]) == []


@pytest.mark.parametrize(
    "row",
    [
        [np.nan, 0, 0, 1],
        [np.inf, 0, 0, 0],
        [np.inf, -np.inf, 0, 1],
        [0, 0, 0, 0.5],
        [1, 1, 0, 0],
        [-0.5, 0, 0.5, 1],
    ],
)
def test_a_row_that_is_no_distribution_is_refused_by_number(row: list[float]) -> None:
    with pytest.raises(ValueError, match=r"row 1 of the probabilities is .*expected finite"):
        judge([[1, 0, 0, 0], row])


@pytest.mark.parametrize("shape", [(2, 4), (1, 3), (4,)])
def test_probabilities_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    windows = WindowBatch(np.zeros((1, 1, 1), np.float32), np.zeros(1, FACTS_DTYPE))
    with pytest.raises(ValueError, match=r"shape .*, expected \(1, 4\)"):
        Policy(THRESHOLDS, ThresholdConfig()).judge(windows, np.ones(shape, np.float32))


def by_the_rules(row: list[float], thresholds: dict[Category, float]) -> tuple[Category, bool]:
    chances = dict(zip(CATEGORIES, row, strict=True))
    benign = chances.pop(BENIGN)
    raised = {name: chance for name, chance in chances.items() if chance >= thresholds[name]}
    if raised:
        return max(raised, key=raised.__getitem__), False
    if benign >= thresholds[BENIGN]:
        return BENIGN, False
    return max(chances, key=chances.__getitem__), True


eighths = st.lists(st.integers(0, 8), min_size=4, max_size=4)
shares = st.lists(st.integers(0, 8), min_size=3, max_size=3).map(
    lambda cuts: [right - left for left, right in pairwise([0, *sorted(cuts), 8])]
)
"""Four that make eight: filtered from `eighths`, one in forty is left, and Hypothesis may give up."""


@given(st.lists(shares, max_size=5), eighths)
def test_batches_are_judged_as_single_windows_by_the_rules(
    parts: list[list[int]], thresholds: list[int]
) -> None:
    rows = [[part / 8 for part in row] for row in parts]  # exact in any precision
    benign, ddos, dos, recon = (eighth / 8 for eighth in thresholds)
    limits = {BENIGN: benign, DDOS: ddos, DOS: dos, RECON: recon}
    verdicts = judge(rows, benign=benign, ddos=ddos, dos=dos, recon=recon)
    assert [(v.category, v.uncertain) for v in verdicts] == [by_the_rules(row, limits) for row in rows]


@pytest.mark.parametrize(
    ("row", "calm"),
    [
        ([0.95, 0.0, 0.0, 0.05], True),
        ([0.7, 0.0, 0.0, 0.3], False),  # Benign, but not surely
        ([0.55, 0.0, 0.0, 0.45], False),
        ([0.02, 0.0, 0.0, 0.98], False),
    ],
)
def test_only_who_is_surely_benign_is_calm(row: list[float], *, calm: bool) -> None:
    assert Policy.calm(judge([row])).tolist() == [calm]


def test_whom_the_threshold_does_not_believe_is_not_calm() -> None:
    assert Policy.calm(judge([[0.95, 0.0, 0.0, 0.05]], benign=0.99)).tolist() == [False]
    assert Policy.calm([]).shape == (0,)
