from functools import cache

import numpy as np
import pytest

from detector.bundle import MeterSettings, WindowSettings
from tests.command import PCAPS
from tests.train.augmented import FLOOD
from train.curves import AS_IS, LADDERS
from train.extract import extract_capture
from train.sources import CaptureSource
from train.trial import Disguised, Trial, disguise

SCAN = CaptureSource(PCAPS / "scan-among-devices.pcap", "own/scan", "own", "Recon", "MIT", 3)


@cache
def disguised(source: CaptureSource, evasion: str, strength: float) -> Disguised:
    found = disguise(trial(source, evasion, strength))
    assert isinstance(found, Disguised)
    return found


def trial(source: CaptureSource, evasion: str, strength: float) -> Trial:
    return Trial(source, evasion, strength, 0, MeterSettings(), WindowSettings())


@pytest.mark.parametrize("source", [SCAN, FLOOD], ids=lambda source: source.name)
def test_as_it_is_a_capture_gives_the_detectors_own_windows(source: CaptureSource) -> None:
    found = disguised(source, AS_IS, 0.0)
    expected = extract_capture(source.path, 0)
    assert np.array_equal(found.windows.sequences, expected.sequences)
    assert np.array_equal(found.windows.facts, expected.facts)
    assert found.packets == expected.packets
    times = found.windows.facts["time_ms"]
    assert times.min() < found.began_ms < times.max()


@pytest.mark.parametrize("evasion", LADDERS)
def test_every_evasion_changes_what_the_detector_sees(evasion: str) -> None:
    source = SCAN if evasion == "decoys" else FLOOD
    as_is, found = disguised(source, AS_IS, 0.0), disguised(source, evasion, LADDERS[evasion].recon[-1])
    assert found.began_ms == as_is.began_ms
    if evasion == "decoys":
        assert found.packets > 5 * as_is.packets
    elif evasion == "loss":
        assert found.packets == pytest.approx(0.75 * as_is.packets, rel=0.1)
    else:
        assert found.packets == as_is.packets
    assert not np.array_equal(found.windows.sequences, as_is.windows.sequences)


def test_what_cannot_be_measured_is_told() -> None:
    damaged = CaptureSource(PCAPS / "README.md", "own/none", "own", "Recon", "MIT", 3)
    assert "README.md" in str(disguise(trial(damaged, "jitter", 1.0)))
    quiet = CaptureSource(PCAPS / "quiet-home.pcap", "q", "o", "Recon", "MIT", PCAPS / "quiet-home.json")
    assert disguise(trial(quiet, AS_IS, 0.0)) == "no attack was found in it"
    assert disguise(trial(SCAN, "loss", 1.0)) == "nothing is left of it"
