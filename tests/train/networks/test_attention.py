import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from detector.errors import UsageError
from tests.train import samples
from train.networks import NETWORKS, NetworkSettings, statistics

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)


def test_flows_that_are_not_there_get_no_attention() -> None:
    model = NETWORKS["attention"](samples.LENGTH, KNOWN, NetworkSettings())
    row = keras.Model(model.input, model.get_layer("attended").output)
    short = DATA.sequences.copy()
    short[:, : samples.LENGTH - 4] = 0.0
    other = short.copy()
    other[:, : samples.LENGTH - 4] = 1e6
    other[:, : samples.LENGTH - 4, samples.MASK] = 0.0
    found, same = (row.predict(given, verbose=0)[:, -1] for given in (short, other))
    assert np.allclose(found, same, atol=1e-5)


def test_every_flow_sees_every_other() -> None:
    model = NETWORKS["attention"](samples.LENGTH, KNOWN, NetworkSettings())
    row = keras.Model(model.input, model.get_layer("attended").output)
    full = DATA.sequences[DATA.sequences[:, 0, samples.MASK] > 0]
    changed = full.copy()
    changed[:, 0, samples.SIGNAL] *= 1000.0
    apart = np.abs(row.predict(changed, verbose=0) - row.predict(full, verbose=0)).max(axis=(0, 2))
    assert (apart > 1e-6).all()


def test_units_that_heads_cannot_share_are_refused() -> None:
    with pytest.raises(UsageError, match="30 units do not divide among 4 heads"):
        NETWORKS["attention"](samples.LENGTH, KNOWN, NetworkSettings(units=30))
