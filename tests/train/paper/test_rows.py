import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from tests.train.paper import samples
from train.paper import rows as module
from train.paper.rows import Rows, fit_scaler


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_ROWS", 64)


def test_blocks_are_all_rows_in_order() -> None:
    every = samples.rows(150)
    blocks = list(every.blocks())
    assert [len(rows) for rows, _ in blocks] == [64, 64, 22]
    assert np.array_equal(np.concatenate([rows for rows, _ in blocks]), every.store)
    assert np.array_equal(every.whole(), every.store)


def test_an_order_moves_rows_and_classes_alike() -> None:
    every = samples.rows(150)
    some = Rows(every.store, np.arange(0, 150, 2), (7, 3), every.classes[::2])
    order = np.random.default_rng(1).permutation(75)
    values, classes = (np.concatenate(parts) for parts in zip(*some.blocks(order), strict=True))
    assert np.array_equal(values, every.store[::2][order][:, [7, 3]])
    assert np.array_equal(classes, every.classes[::2][order])


def test_only_some_of_the_rows() -> None:
    every = samples.rows(20)
    some = every.only(np.array([3, 5]))
    assert np.array_equal(some.whole(), every.store[[3, 5]])
    assert some.classes.tolist() == every.classes[[3, 5]].tolist()


def test_the_scaler_is_that_of_all_rows_at_once() -> None:
    every = samples.rows(500)
    every.store[:, 2] = 8.4e7  # a constant column, as Drate is, must not divide by zero
    every.store[:, 3] = 8.4e7 + 8 * np.arange(500)
    scaler = fit_scaler(every)
    expected = StandardScaler().fit(every.store.astype(np.float64))
    assert np.allclose(scaler.mean, expected.mean_)
    assert np.allclose(scaler.deviation, expected.scale_)
    scaled = scaler(every.store)
    assert scaled.dtype == np.float32
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-4)
    assert not scaled[:, 2].any()
