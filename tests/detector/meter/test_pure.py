"""The loop in Python: what it shares with the one in C is tested beside it, this is its own."""

import numpy as np

from detector.meter import PacketBlock
from detector.meter.pure import _keys
from tests.detector.meter.samples import capture_of
from tests.traffic import datagram

MASK = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


def test_both_directions_have_one_key() -> None:
    block = PacketBlock()
    a, b = "10.0.0.1", "10.0.0.2"
    frames = [datagram(0, a, b, (5, 6)), datagram(1, b, a, (6, 5)), datagram(2, a, b, (6, 5))]
    with capture_of(frames) as capture:
        capture.read(block)
    keys, greater = _keys(block.columns[:3], MASK)
    assert keys[0] == keys[1] != keys[2]
    assert greater[0] != greater[1]
