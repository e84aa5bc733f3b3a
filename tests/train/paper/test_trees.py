from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.train.paper import samples
from train.paper import trees
from train.paper.trees import told_by_forest, told_by_lightgbm, told_by_tree


@pytest.mark.parametrize(
    "learn",
    [
        partial(told_by_forest, most_rows=300, seed=1),
        partial(told_by_tree, most_rows=300, seed=1),
        partial(told_by_lightgbm, seed=1),
    ],
    ids=["forest", "tree", "LightGBM"],
)
def test_trees_learn_what_a_column_tells_and_repeat_it(
    monkeypatch: pytest.MonkeyPatch, learn: Callable[..., NDArray[np.int8]]
) -> None:
    monkeypatch.setattr(trees, "_ROUNDS", 5)
    train, test = samples.rows(400), samples.rows(200, seed=1)
    told = learn(train, test)
    assert (told == test.classes).mean() > 0.9
    assert (told == learn(train, test)).all()
