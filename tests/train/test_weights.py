import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.train import samples
from train.datasets import Dataset, Entry
from train.weights import sample_weights


def dataset(labels: list[int], captures: list[tuple[str, str]]) -> Dataset:
    """One window a label, each of the capture and origin named beside it."""
    names = sorted(set(captures))
    entries = [
        Entry(
            capture=name,
            origin=origin,
            category="mixed",
            licence="own",
            windows=1,
            digest=f"sha256:{'0' * 64}",
        )
        for name, origin in names
    ]
    windows = samples.windows(labels)
    return Dataset(windows, np.array([names.index(each) for each in captures], np.int32), tuple(entries))


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcde"), st.sampled_from("xyz")), min_size=1),
    bound=st.floats(1.0, 50.0),
)
def test_weights_make_classes_count_the_same_and_are_bounded(
    rows: list[tuple[int, str, str]], bound: float
) -> None:
    labels = np.array([label for label, _, _ in rows], np.int8)
    weights = sample_weights(
        dataset(labels.tolist(), [(capture, origin) for _, capture, origin in rows]), bound=bound
    )
    sums = [weights[labels == label].sum() for label in np.unique(labels)]
    assert np.allclose(sums, sums[0], rtol=1e-4)
    assert np.isclose(weights.mean(), 1.0, rtol=1e-4)
    for label in np.unique(labels):
        own = weights[labels == label]
        assert own.max() <= bound * own.min() * (1 + 1e-4)


def test_within_a_class_an_origin_counts_by_the_root_of_its_captures() -> None:
    often = [(f"often-{number % 4}", "often") for number in range(36)]
    weights = sample_weights(dataset([0] * 40, [*often, *[("once", "once")] * 4]))
    assert weights[:36].sum() / weights[36:].sum() == pytest.approx(2.0, rel=1e-4)


def test_a_tiny_origin_does_not_outweigh_the_rest() -> None:
    weights = sample_weights(dataset([0] * 1000, [*[("a", "large")] * 999, ("b", "tiny")]), bound=10.0)
    assert weights[-1] / weights[0] == pytest.approx(10.0, rel=1e-4)
