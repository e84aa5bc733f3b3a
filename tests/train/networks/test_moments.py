import numpy as np
import pytest

pytest.importorskip("tensorflow")

from tests.train import samples
from train.networks import Statistics, statistics

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)


def test_statistics_leave_out_the_padding() -> None:
    rows = np.log1p(DATA.sequences[DATA.sequences[:, :, samples.MASK] > 0].astype(np.float64))
    assert np.allclose(KNOWN.mean, rows.mean(axis=0), rtol=1e-4)
    varied = rows.std(axis=0) > 0.1
    assert np.allclose(KNOWN.deviation[varied], rows.std(axis=0)[varied], rtol=1e-3)


def test_a_feature_that_never_varied_has_a_deviation_all_the_same() -> None:
    assert KNOWN.deviation[samples.MASK] == pytest.approx(0.01)


def test_statistics_of_many_windows_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.networks.moments._CHUNK", 3)
    pieces: Statistics = statistics(DATA.sequences, samples.MASK)
    assert np.allclose(pieces.mean, KNOWN.mean, rtol=1e-6)
    assert np.allclose(pieces.deviation, KNOWN.deviation, rtol=1e-5)
