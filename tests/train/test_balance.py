from functools import partial

import numpy as np
import pytest

pytest.importorskip("imblearn")

from detector.errors import UsageError
from detector.features import SCHEMA
from tests.train import samples
from train import balance
from train.balance import balanced
from train.datasets import Dataset, join, sample_weights
from train.settings import FitSettings

pytestmark = pytest.mark.tensorflow

FLAGS = [column for column, unit in enumerate(SCHEMA.units) if unit == "flag"]
COUNTS = (40, 6, 12, 25)
BOUNDS = ((partial(np.min, axis=0), np.inf), (partial(np.max, axis=0), -np.inf))


def uneven(counts: tuple[int, ...] = COUNTS) -> Dataset:
    parts = [samples.windows([label] * count, label) for label, count in enumerate(counts)]
    for part in parts:
        part.sequences[:, :, FLAGS] = part.sequences[:, :, FLAGS] > 2.0
        part.sequences[:, :, samples.MASK] = part.sequences[:, :, samples.SIGNAL] > 0.0
    return join(parts, [samples.entry("a", f"class-{label}") for label in range(len(counts))])


def settings(method: str, **changes: float) -> FitSettings:
    return FitSettings.model_validate({"balance": method, "seed": 7, **changes})


@pytest.mark.parametrize(
    ("method", "counts"),
    [
        ("weights", COUNTS),
        ("none", COUNTS),
        ("oversample", (40, 40, 40, 40)),
        ("smote", (40, 40, 40, 40)),
        ("undersample", (6, 6, 6, 6)),
    ],
)
def test_classes_become_as_many_as_the_method_says(method: str, counts: tuple[int, ...]) -> None:
    lesson = balanced(uneven(), settings(method))
    assert tuple(np.bincount(lesson.labels)) == counts
    assert lesson.sequences.shape == (len(lesson), samples.LENGTH, len(SCHEMA))
    assert lesson.weights.mean() == pytest.approx(1.0, rel=1e-5)


def test_drawn_windows_are_windows_of_their_class() -> None:
    training = uneven()
    known = {
        window.tobytes(): label for window, label in zip(training.sequences, training.labels, strict=True)
    }
    for method in ("oversample", "undersample"):
        lesson = balanced(training, settings(method))
        assert all(
            known[window.tobytes()] == label
            for window, label in zip(lesson.sequences, lesson.labels, strict=True)
        )


def test_a_made_up_window_lies_between_two_of_its_class_and_its_flags_are_flags() -> None:
    training = uneven()
    lesson = balanced(training, settings("smote"))
    assert np.array_equal(lesson.sequences[: len(training)], training.sequences)
    made, labels = lesson.sequences[len(training) :], lesson.labels[len(training) :]
    assert set(np.unique(made[:, :, FLAGS])) <= {0.0, 1.0}
    mask = made[:, :, samples.MASK]
    assert (np.diff(mask, axis=1) >= 0.0).all()  # padding stays on the left
    assert not made[mask == 0.0].any()
    for label in (1, 2, 3):
        parents = training.sequences[training.labels == label]
        flows = parents[:, :, samples.MASK, None] > 0.0
        least, most = (side(np.where(flows, parents, none)) for side, none in BOUNDS)
        there = mask[labels == label] > 0.0
        assert (made[labels == label] <= most * 1.001 + 1e-3)[there].all()
        assert (made[labels == label] >= least * 0.999 - 1e-3)[there].all()  # not drawn towards padding


def test_without_balance_windows_count_alike_but_for_benign_ones() -> None:
    assert (balanced(uneven(), settings("none", benign_weight=1.0)).weights == 1.0).all()
    lesson = balanced(uneven(), settings("undersample", benign_weight=3.0))
    assert lesson.weights[lesson.labels == 0].sum() == pytest.approx(
        lesson.weights[lesson.labels > 0].sum(), rel=1e-5
    )


def test_weights_are_those_of_the_data() -> None:
    expected = sample_weights(uneven())
    assert np.allclose(balanced(uneven(), settings("weights", benign_weight=1.0)).weights, expected)


def test_the_same_seed_draws_the_same() -> None:
    for method in ("oversample", "undersample", "smote"):
        first, again = (balanced(uneven(), settings(method)) for _ in range(2))
        assert np.array_equal(first.sequences, again.sequences)


def test_memory_is_bounded_by_the_largest_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balance, "MOST_OF_A_CLASS", 10)
    assert tuple(np.bincount(balanced(uneven(), settings("smote")).labels)) == (10, 10, 10, 10)
    assert tuple(np.bincount(balanced(uneven(), settings("oversample")).labels)) == (10, 10, 10, 10)


def test_smote_refuses_a_class_with_one_window() -> None:
    with pytest.raises(UsageError, match="DDoS: one window to learn from"):
        balanced(uneven((5, 1, 5, 5)), settings("smote"))
