import xml.etree.ElementTree as ET

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

from train import charts
from train.curves import Curve, Point
from train.measures import Bin
from train.outcomes import CurvePoint

pytestmark = pytest.mark.tensorflow

COUNTS = [[90, 0, 5, 5], [0, 10, 0, 0], [0, 0, 0, 0], [1, 0, 0, 3]]
BINS = [Bin(10, 0.45, 0.5), Bin(900, 0.98, 0.97)]
POINTS = [CurvePoint(0.5, 0.9, 0.1, 1.0, 0.2), CurvePoint(0.9, 0.7, 0.0, 0.8, 0.0)]

SLOWER = [
    Curve(
        "slower",
        "Recon",
        (Point(1.0, 7, 1.0, 1.0, 0.5, 0.25, 0.8), Point(32.0, 7, 0.0, 0.5, 0.5, 0.25, None)),
    ),
    Curve("slower", "DoS", (Point(1.0, 3, 1.0, 1.0, 0.5, 0.25, 0.8),)),
]
LOSS = [
    Curve("loss", "DDoS", (Point(0.0, 4, 1.0, 1.0, 0.5, 0.25, 0.8), Point(0.25, 4, 0.5, 0.5, 0.5, 0.25, 3.0)))
]


def drawn() -> dict[str, str]:
    return {
        "confusion": charts.confusion(COUNTS),
        "reliability": charts.reliability(BINS),
        "curve": charts.recon_curve(POINTS),
        "latencies": charts.latencies([300, 1200, 60_000]),
        "slower": charts.evasion(SLOWER),
        "loss": charts.evasion(LOSS),
        "nothing": charts.latencies([]) + "",
    }


def test_pictures_are_elements_that_a_page_may_hold() -> None:
    for text in drawn().values():
        assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - as above


def test_the_same_numbers_give_the_same_text() -> None:
    assert drawn() == drawn()


def test_numbers_and_names_stand_as_text() -> None:
    found = drawn()
    assert all(text in found["confusion"] for text in ("90.0%", "DDoS", "named", "true"))
    assert "threshold of Recon" in found["curve"]
    for text in ("Recon (7 captures)", "DoS (3 captures)", "times slower (1: as captured)", ">32<"):
        assert text in found["slower"]
    assert "share of packets lost (0: as captured)" in found["loss"]
