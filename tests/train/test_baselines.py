from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("sklearn")

from tests.train import samples
from train.baselines import Baseline, lightgbm, random_forest, summarise
from train.datasets import join

pytestmark = pytest.mark.tensorflow


def test_a_summary_is_of_the_real_rows_alone() -> None:
    sequences = np.zeros((1, 4, 2), np.float32)
    sequences[0, 2:] = [[3.0, 1.0], [5.0, 1.0]]
    newest, mean, deviation, largest = summarise(sequences, mask=1).reshape(4, 2)
    assert (newest.tolist(), mean.tolist()) == ([5.0, 1.0], [4.0, 1.0])
    assert (deviation.tolist(), largest.tolist()) == ([1.0, 0.0], [5.0, 1.0])


def test_an_empty_window_is_all_zero() -> None:
    assert not summarise(np.zeros((2, 4, 3), np.float32), mask=0).any()


@pytest.mark.parametrize("learn", [random_forest, lightgbm])
def test_trees_learn_what_can_be_told_apart(learn: Callable[..., Baseline]) -> None:
    unseen = samples.dataset(origins=1, seed=200)
    scored = learn(samples.dataset(), mask=samples.MASK, seed=0, trees=20).score(unseen.sequences)
    assert (scored.argmax(axis=1) == unseen.labels).mean() > 0.9
    assert np.allclose(scored.sum(axis=1), 1.0, atol=1e-5)


def test_a_class_that_training_did_not_show_scores_zero() -> None:
    parts = [samples.windows([0] * 20), samples.windows([3] * 20)]
    entries = [samples.entry("a", "Benign"), samples.entry("a", "Recon")]
    scored = random_forest(join(parts, entries), mask=samples.MASK, seed=0, trees=5).score(parts[1].sequences)
    assert scored.shape == (20, 4)
    assert not scored[:, 1:3].any()
    assert scored[:, 3].mean() > 0.7


def test_no_window_gives_no_row() -> None:
    trees = random_forest(samples.dataset(1, 5), mask=samples.MASK, seed=0, trees=2)
    assert trees.score(samples.windows([]).sequences).shape == (0, 4)
