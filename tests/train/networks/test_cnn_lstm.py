import numpy as np
import pytest

pytest.importorskip("tensorflow")

from tests.train import samples
from train.networks import NETWORKS, NetworkSettings, statistics

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)


def test_the_order_of_the_flows_is_nothing_to_the_summary_and_something_to_the_sequence() -> None:
    full = DATA.sequences[DATA.sequences[:, 0, samples.MASK] > 0]
    turned = np.concatenate([full[:, -2::-1], full[:, -1:]], axis=1)
    for network, same in (("summary", True), ("sequence", False)):
        model = NETWORKS[network](samples.LENGTH, KNOWN, NetworkSettings())
        found = np.allclose(model.predict(turned, verbose=0), model.predict(full, verbose=0), atol=1e-4)
        assert found is same
