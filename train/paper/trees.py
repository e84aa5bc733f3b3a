"""What the networks must beat: a random forest and LightGBM on the same rows, not scaled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.paper.rows import Rows
from train.paper.split import drawn

_FOREST_TREES, _LEAF_ROWS = 50, 5
_ROUNDS = 100


def told_by_forest(train: Rows, test: Rows, *, most_rows: int, seed: int) -> NDArray[np.int8]:
    """Fit a random forest on at most so many of the training rows; return the classes it tells."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - a second, for this alone

    some = train.only(drawn(np.arange(len(train)), most_rows, seed))
    model = RandomForestClassifier(_FOREST_TREES, min_samples_leaf=_LEAF_ROWS, n_jobs=-1, random_state=seed)
    return _told(model.fit(some.whole(), some.classes), test)


def told_by_lightgbm(train: Rows, test: Rows, *, seed: int) -> NDArray[np.int8]:
    """Fit gradient-boosted trees on all training rows; return the classes they tell."""
    from lightgbm import LGBMClassifier  # noqa: PLC0415 - see above

    model = LGBMClassifier(
        n_estimators=_ROUNDS, deterministic=True, force_row_wise=True, random_state=seed, verbosity=-1
    )
    return _told(model.fit(train.whole(), train.classes), test)


def told_by_tree(train: Rows, test: Rows, *, most_rows: int, seed: int) -> NDArray[np.int8]:
    """Fit a single small decision tree: what a column or two give away on their own."""
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - see above

    some = train.only(drawn(np.arange(len(train)), most_rows, seed))
    model = DecisionTreeClassifier(max_leaf_nodes=1000, min_samples_leaf=_LEAF_ROWS, random_state=seed)
    return _told(model.fit(some.whole(), some.classes), test)


def _told(model: Any, test: Rows) -> NDArray[np.int8]:
    return np.concatenate([np.asarray(model.predict(rows), np.int8) for rows, _ in test.blocks()])
