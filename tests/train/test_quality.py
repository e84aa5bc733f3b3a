import numpy as np
import pytest

from detector.features import SCHEMA
from tests.train import samples
from train.quality import judge


def test_what_the_features_can_be_is_let_through() -> None:
    quality = judge(samples.windows([0] * 5).sequences * 0)
    assert quality.good.all()
    assert quality.refused == {}


@pytest.mark.parametrize(
    ("feature", "value", "problem"),
    [
        ("bytes_per_second", np.nan, "missing"),
        ("bytes_per_second", np.inf, "infinite"),
        ("recent_flows", -np.inf, "infinite"),
        ("src2dst_packets", -1.0, "impossible"),
        ("unanswered", 0.5, "impossible"),
        ("tcp", 2.0, "impossible"),
        ("peer_share", 1.01, "impossible"),
        ("tcp", np.nan, "missing"),
    ],
)
def test_any_other_value_is_counted_once_and_its_window_refused(
    feature: str, value: float, problem: str
) -> None:
    sequences = np.zeros((3, 4, len(SCHEMA)), np.float32)
    sequences[1, 2, SCHEMA.index(feature)] = value
    quality = judge(sequences)
    assert quality.good.tolist() == [True, False, True]
    assert quality.refused == {f"{feature} {problem}": 1}
