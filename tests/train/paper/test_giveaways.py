import numpy as np

from tests.train.paper import samples
from train.paper.columns import COLUMNS
from train.paper.giveaways import CLOCK, WINDOW, look


def test_the_columns_exist() -> None:
    assert {*CLOCK, *WINDOW} <= set(COLUMNS)


def test_a_clock_is_found_and_an_honest_column_is_not() -> None:
    train, test = (samples.rows(800, seed=seed, told_by=38) for seed in (0, 1))
    clock = look({"IAT": 38}, train, test, samples.CLASSES, 1)
    assert clock.alone.accuracy > 0.95
    assert look({"Rate": 3}, train, test, samples.CLASSES, 1).alone.accuracy < 0.4


def test_ranges_are_told_by_column_and_class() -> None:
    train, test = samples.rows(300), samples.rows(300, seed=1)
    test.store[:, 39] = np.where(test.classes == 2, 13.5, 9.5)
    found = look({"Number": 39, "Weight": 44}, train, test, samples.CLASSES, 1)
    assert [(told.column, told.class_name) for told in found.ranges] == [
        (column, name) for column in ("Number", "Weight") for name in samples.CLASSES
    ]
    dos = found.ranges[2]
    assert (dos.lowest, dos.median, dos.highest, dos.different) == (13.5, 13.5, 13.5, 1)
    weights = test.store[test.classes == 3, 44]
    assert found.ranges[7].median == float(np.median(weights))
    assert found.ranges[7].different == len(weights)
