import pytest

pytest.importorskip("tensorflow")

from tests.train import samples
from train.networks import NETWORKS, NetworkSettings, statistics

pytestmark = pytest.mark.tensorflow

KNOWN = statistics(samples.windows([0, 1, 2, 3] * 5).sequences, samples.MASK)


@pytest.mark.parametrize("network", ["paper-cnn", "paper-cnn-lstm"])
def test_they_are_as_large_as_published_whatever_the_settings(network: str) -> None:
    small, large = (
        NETWORKS[network](samples.LENGTH, KNOWN, NetworkSettings(filters=size, units=size))
        for size in (8, 64)
    )
    assert small.count_params() == large.count_params()
    assert [small.get_layer(f"convolution_{number}").filters for number in (1, 2)] == [32, 64]
    assert small.get_layer("dense").units == 128
