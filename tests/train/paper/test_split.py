import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from detector.errors import UsageError
from train.paper.split import deal, drawn

ROWS = np.arange(1000)
IN_TEST = ROWS >= 700


def test_the_papers_split_is_that_of_the_published_code() -> None:
    split = deal(ROWS, IN_TEST, "random", 42)
    rest, test = train_test_split(ROWS, test_size=0.2, random_state=42)
    train, validate = train_test_split(rest, test_size=0.2, random_state=42)
    expected = tuple(sorted(side.tolist()) for side in (train, validate, test))
    assert (split.train.tolist(), split.validate.tolist(), split.test.tolist()) == expected
    assert list(map(len, expected)) == [640, 160, 200]


def test_the_datasets_own_test_rows_stay_apart() -> None:
    split = deal(ROWS, IN_TEST, "folders", 42)
    assert split.test.tolist() == ROWS[IN_TEST].tolist()
    assert sorted([*split.train.tolist(), *split.validate.tolist()]) == ROWS[~IN_TEST].tolist()
    assert len(split.validate) == 140


def test_some_rows_only() -> None:
    split = deal(ROWS[::2], IN_TEST, "folders", 1)
    assert set(split.test.tolist()) == set(range(700, 1000, 2))


@pytest.mark.parametrize("most", [None, 1000, 5000])
def test_as_many_as_there_are(most: int | None) -> None:
    assert drawn(ROWS, most, 1) is ROWS


def test_a_draw_is_ordered_and_repeatable() -> None:
    some = drawn(ROWS, 100, 1)
    assert len(set(some.tolist())) == 100
    assert (np.diff(some) > 0).all()
    assert drawn(ROWS, 100, 1).tolist() == some.tolist() != drawn(ROWS, 100, 2).tolist()


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="too few rows"):
        deal(ROWS[:4], IN_TEST, "random", 1)
