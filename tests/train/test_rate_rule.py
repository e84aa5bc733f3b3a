import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn")

from detector.features import SCHEMA
from detector.records import CATEGORIES, Category
from tests.train import samples
from train.datasets import CaptureWindows, Dataset, join
from train.rate_rule import RateRule, choose

pytestmark = pytest.mark.tensorflow


def window(**newest: float) -> NDArray[np.float32]:
    sequence = np.zeros((samples.LENGTH, len(SCHEMA)), np.float32)
    for name, value in newest.items():
        sequence[-1, SCHEMA.index(name)] = value
    return sequence


FLOOD = {"as_target": 1.0, "recent_flows": 400.0, "unanswered_share": 0.9}


@pytest.mark.parametrize(
    ("newest", "category"),
    [
        ({"recent_ports": 30.0}, Category.RECON),
        ({"recent_peers": 30.0}, Category.RECON),
        ({"recent_ports": 30.0, "as_target": 1.0}, Category.BENIGN),
        (FLOOD | {"recent_peers": 1.0}, Category.DOS),
        (FLOOD | {"recent_peers": 200.0}, Category.DDOS),
        (FLOOD | {"unanswered_share": 0.1}, Category.BENIGN),
        ({"as_target": 1.0, "recent_packets": 9000.0, "recent_peers": 1.0}, Category.DOS),
        ({}, Category.BENIGN),
    ],
)
def test_each_class_is_a_limit(newest: dict[str, float], category: Category) -> None:
    scored = RateRule().score(window(**newest)[None])
    assert CATEGORIES[int(scored.argmax())] is category
    assert scored.sum() == pytest.approx(1.0)


def scans(*ports: float) -> Dataset:
    """Windows that ask so many ports; only those of 10 or more are scans."""
    sequences = np.stack([window(recent_ports=each) for each in ports])
    labels = [CATEGORIES.index(Category.RECON) if each >= 10 else 0 for each in ports]
    facts = samples.windows(labels).facts
    content = CaptureWindows(sequences, facts, np.array(labels, np.int8))
    return join([content], [samples.entry("lab", "Recon")])


def test_limits_are_those_that_did_best_on_validation() -> None:
    validation = scans(2, 5, 9, 12, 14, 40)
    assert RateRule().classify(validation.sequences).tolist() != validation.labels.tolist()
    assert choose(validation).classify(validation.sequences).tolist() == validation.labels.tolist()
