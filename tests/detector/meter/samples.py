"""Frames straight into a flow table, and arbitrary small traffic."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from tempfile import NamedTemporaryFile
from typing import Any

from hypothesis import strategies as st

from detector.bundle import MeterSettings
from detector.config import CaptureConfig, MeterConfig
from detector.meter import Capture, FlowTable, PacketBlock, flow_table
from detector.records import FlowBatch
from tests.traffic import ACK, FIN, PSH, RST, SYN, TCP, UDP, Frame, batch, datagram, pcap, segment


@contextmanager
def capture_of(
    frames: Iterable[Frame], *, tunnels: bool = True, bpf_filter: str | None = None
) -> Iterator[Capture]:
    with NamedTemporaryFile(suffix=".pcap") as file:
        file.write(pcap(frames))
        file.flush()
        config = CaptureConfig(bpf_filter=bpf_filter)
        capture = Capture.open_file(file.name, config, decode_tunnels=tunnels)
        try:
            yield capture
        finally:
            capture.close()


def table(*, max_flows: int = 60_000, vlan_in_key: bool = True, **settings: Any) -> FlowTable:
    """Return a table with timeouts of one second and the given exceptions."""
    config = MeterConfig(max_active_flows=max_flows, vlan_in_key=vlan_in_key)
    return flow_table(MeterSettings(**settings), config, max_step_ms=60_000)


def feed(
    frames: Iterable[Frame], into: FlowTable, *, rooms: Sequence[int | None] = (None,), tunnels: bool = True
) -> FlowBatch:
    """Meter frames, read `rooms` at a time, and return the flows let go so far."""
    block, flows = PacketBlock(), []
    with capture_of(frames, tunnels=tunnels) as capture:
        for room in cycle(rooms):
            capture.read(block, room)
            while not into.consume(block, final=capture.ended):
                flows.append(into.take())
            if capture.ended:
                break
    return batch([*flows, into.take()])


def metered(
    frames: Iterable[Frame], into: FlowTable, *, rooms: Sequence[int | None] = (None,), tunnels: bool = True
) -> FlowBatch:
    """Return all flows of the frames, those still open at the end included."""
    flows = feed(frames, into, rooms=rooms, tunnels=tunnels)
    into.flush()
    return batch([flows, into.take()])


_HOSTS = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1")
_FLAGS = (SYN, SYN | ACK, ACK, ACK, PSH | ACK, FIN | ACK, FIN, RST)
_STEPS_MS = (0, 0, 1, 30, 400, 999, 1000, 2000, 5000)


@st.composite
def traffic(draw: st.DrawFn, steps_ms: Sequence[int] = _STEPS_MS, max_size: int = 40) -> list[Frame]:
    """Few packets between few ends, so that flows meet every reason to end."""
    at_ms, frames = 0, []
    for _ in range(draw(st.integers(0, max_size))):
        at_ms += draw(st.sampled_from(steps_ms))
        ends = draw(st.sampled_from([(0, 1), (1, 0), (0, 2), (3, 3)]))
        ports = draw(st.sampled_from([(1000, 80), (80, 1000), (1001, 80)]))
        src, dst = (_HOSTS[end] for end in ends)
        if draw(st.sampled_from([TCP, TCP, UDP])) == TCP:
            frames.append(segment(at_ms, src, dst, ports, draw(st.sampled_from(_FLAGS))))
        else:
            frames.append(datagram(at_ms, src, dst, ports))
    return frames
