"""The loop in C does what the loop in Python does, to the byte."""

import ctypes
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import meter
from detector.bundle import MeterSettings
from detector.config import MeterConfig
from detector.meter import FlowTable, PacketBlock, is_compiled
from detector.meter import compiled as module
from detector.meter.capture import BLOCK_PACKETS
from detector.meter.compiled import CompiledTable
from detector.meter.pure import PureTable
from detector.meter.table import EXPORT_FLOWS
from detector.records import FlowBatch
from tests import traffic as made
from tests.detector.meter.samples import capture_of, metered, traffic
from tests.traffic import SYN, Frame, batch, datagram, segment

pytestmark = pytest.mark.skipif(not is_compiled(), reason="needs a C compiler at installation")
A, B = "10.0.0.1", "10.0.0.2"
KINDS = (CompiledTable, PureTable)
JUMPS_MS = (0, 1, 400, 1000, 90_000, -90_000, -500)


@pytest.fixture(autouse=True)
def loop() -> None:
    """Both kinds are made here by name."""


def tables(**exceptions: Any) -> list[FlowTable]:
    config = MeterConfig(
        max_active_flows=exceptions.pop("max_flows", 60_000), vlan_in_key=exceptions.pop("vlan_in_key", True)
    )
    step = exceptions.pop("max_step_ms", 60_000)
    return [kind(MeterSettings(**exceptions), config, source=3, max_step_ms=step) for kind in KINDS]


def pumped(frames: Sequence[Frame], into: FlowTable, enough: int) -> FlowBatch:
    """Return all flows of the frames, read as a capture is read at full speed."""
    block, flows = PacketBlock(), []
    with capture_of(frames) as capture:
        while not capture.ended:
            into.pump(capture, block, enough)
            while not into.consume(block, final=capture.ended):
                flows.append(into.take())
            flows.append(into.take())
    into.flush()
    return batch([*flows, into.take()])


def counts(into: FlowTable) -> tuple[Any, ...]:
    clock = into.clock
    told = (into.packets, into.last_packet_ms, into.expired, into.late, into.refused, into.shed)
    return (*told, len(into), into.remembered, clock.now_ms, clock.restamped, clock.restarts)


def assert_equal(frames: Sequence[Frame], enough: int = 2048, **exceptions: Any) -> FlowBatch:
    native, python = tables(**exceptions)
    found, expected = pumped(frames, native, enough), pumped(frames, python, enough)
    assert found.tobytes() == expected.tobytes()
    assert counts(native) == counts(python)
    return found


@settings(max_examples=120, deadline=None)
@given(
    frames=traffic(steps_ms=JUMPS_MS, max_size=60),
    enough=st.sampled_from([1, 2, 7, 600]),
    exceptions=st.fixed_dictionaries(
        {
            "expire_closed": st.booleans(),
            "keep_direction": st.booleans(),
            "max_flows": st.sampled_from([16, 60_000]),
            "max_step_ms": st.sampled_from([None, 60_000]),
        }
    ),
)
def test_any_traffic(frames: list[Frame], enough: int, exceptions: dict[str, Any]) -> None:
    assert_equal([Frame(at_ms + 10_000_000, data) for at_ms, data, _ in frames], enough, **exceptions)


@pytest.mark.parametrize("seed", range(4))
def test_mixed_traffic(seed: int) -> None:
    flows = assert_equal(made.mixed(seed, 4000), vlan_in_key=seed % 2 == 0, max_flows=16)
    assert len(flows) > 500


def test_a_large_table_makes_room() -> None:
    frames = [datagram(n / 100, A, B, (n % 60_000, n // 60_000)) for n in range(3 * EXPORT_FLOWS)]
    flows = assert_equal(frames, max_flows=2 * EXPORT_FLOWS)
    assert len(flows) == 3 * EXPORT_FLOWS


def test_more_flows_end_at_once_than_rows_hold() -> None:
    count = 3 * EXPORT_FLOWS + 7
    frames = [datagram(n / 1000, A, B, (n % 60_000, 9)) for n in range(count)]
    flows = assert_equal([*frames, datagram(5000, A, B, (1, 10))])
    assert len(flows) == count + 1


def test_time_passes_for_more_flows_than_rows_hold() -> None:
    count = 2 * EXPORT_FLOWS + 7
    frames = [datagram(n / 1000, A, B, (n, 9)) for n in range(count)]
    found = []
    for into in tables():
        block = PacketBlock()
        with capture_of(frames) as capture:
            while not capture.ended:
                into.pump(capture, block, count)
                into.consume(block)
        into.advance(made.EPOCH_MS + 60_000)
        found.append(into.take())
        assert len(found[-1]) == count
    assert found[0].tobytes() == found[1].tobytes()


def test_a_flood_at_once_gives_the_same_in_two_threads() -> None:
    """The engine's functions and the loop keep nothing of one table in another."""
    scenes = [[segment(n / 10, f"10.{n % 250}.{k}.1", B, (n, 80), SYN) for n in range(4000)] for k in (1, 2)]
    expected = [metered(scene, tables()[1]) for scene in scenes]
    found: list[FlowBatch | None] = [None, None]

    def run(number: int) -> None:
        found[number] = pumped(scenes[number], tables()[0], 700)

    threads = [threading.Thread(target=run, args=[number]) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for one, other in zip(found, expected, strict=True):
        assert one is not None
        assert one.tobytes() == other.tobytes()


def test_a_packet_without_memory_for_its_flow_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = ctypes.CFUNCTYPE(ctypes.c_void_p)(lambda: None)
    real = module._settings

    def failing(layout: Any) -> Any:
        given = real(layout)
        given.initialize_flow = ctypes.cast(nothing, ctypes.c_void_p)
        return given

    monkeypatch.setattr(module, "_settings", failing)
    into = tables()[0]
    assert len(metered([segment(0, A, B, (1, 2), SYN), segment(1, B, A, (2, 1), 4)], into)) == 0
    assert (into.refused, len(into)) == (2, 0)


class TestLibrary:
    def test_another_packet_structure_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PACKET_DTYPE", np.dtype([("time", "<u8"), ("src_ip", "<u8", 2)]))
        assert module.library.__wrapped__() is None

    def test_one_that_was_made_with_other_counters_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class More(ctypes.Structure):
            _fields_ = (*module._State._fields_, ("more", ctypes.c_uint64))

        monkeypatch.setattr(module, "_State", More)
        assert module.library.__wrapped__() is None

    def test_nor_is_one_that_does_not_tell(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "LIBRARY", Path("libc.so.6"))
        assert module.library.__wrapped__() is None

    def test_without_a_compiler_there_is_none(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(module, "LIBRARY", tmp_path / "none.so")
        assert module.library.__wrapped__() is None

    def test_a_flow_table_is_made_either_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for kind, there in ((CompiledTable, True), (PureTable, False)):
            monkeypatch.setattr(meter, "is_compiled", lambda there=there: there)
            assert type(meter.flow_table(MeterSettings(), MeterConfig())) is kind


def test_blocks_are_as_large_as_they_say() -> None:
    assert len(PacketBlock()) == BLOCK_PACKETS
