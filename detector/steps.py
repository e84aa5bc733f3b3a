"""From a capture to due windows, a step at a time.

Training reads captures through it too, so that a model learns from exactly what it will be shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from detector.errors import CaptureError
from detector.meter import Capture, FlowTable, PacketBlock
from detector.records import FlowBatch, WindowBatch
from detector.windows import Windows

STEP_PACKETS = 2048
"""Packets between two looks at the windows when a file is read at full speed."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one stretch of packets gave."""

    flows: FlowBatch
    windows: WindowBatch
    now_ms: int
    """Packet time reached."""
    starts_anew: bool = False
    """The capture's clock was set back right after this step: nothing open goes on."""


def steps(capture: Capture, table: FlowTable, windows: Windows) -> Iterator[Step]:
    """Read a capture file to its end, a step at a time; the last flows stay in the table.

    Raises:
        CaptureError: the file is truncated or corrupt. Everything before the break has been given.
    """
    block = PacketBlock()
    broken, taken = None, 0
    while not capture.ended:
        broken = pump(capture, block, table, STEP_PACKETS)
        yield from meter(block, table, windows, final=capture.ended)
        if capture.packets - taken >= STEP_PACKETS or capture.ended:
            taken = capture.packets
            yield from take(table, windows)
    if broken is not None:
        raise broken


def pump(capture: Capture, block: PacketBlock, table: FlowTable, enough: int) -> CaptureError | None:
    """Read packets; what broke the capture is returned, so that those before it can be metered."""
    try:
        if capture.sharing:
            capture.read_share(block)
        else:
            table.pump(capture, block, enough)
    except CaptureError as error:
        return error
    return None


def meter(block: PacketBlock, table: FlowTable, windows: Windows, *, final: bool) -> Iterator[Step]:
    """Meter a block; gives steps only where the capture's clock was set back inside it."""
    while not table.consume(block, final=final):
        yield from take(table, windows, starts_anew=True)


def finish(table: FlowTable, windows: Windows) -> Iterator[Step]:
    """Let every flow and window go: the input has ended."""
    table.end()
    yield from take(table, windows, starts_anew=True)


def take(table: FlowTable, windows: Windows, *, starts_anew: bool = False) -> Iterator[Step]:
    """Pass on the flows that the table let go, and say which windows became due."""
    flows = table.take()
    now_ms = last_ms(flows, table) if starts_anew else table.clock.now_ms
    windows.push(flows)
    yield from due_steps(windows, flows, now_ms, starts_anew=starts_anew)


def last_ms(flows: FlowBatch, table: FlowTable) -> int:
    """Return the packet time at which the last flows before a new start left; the clock may be past it."""
    return int(flows["export_ms"][-1]) if len(flows) else max(table.clock.now_ms, 0)


def due_steps(windows: Windows, flows: FlowBatch, now_ms: int, *, starts_anew: bool) -> Iterator[Step]:
    """Give a step for each batch of due windows, the flows with the first, and one for the time reached.

    A step must be taken before the next is asked for: its verdicts have a say in which windows follow.
    """
    for due in windows.flush() if starts_anew else windows.advance(now_ms):
        yield Step(flows, due, min(due.reached_ms, now_ms))
        flows = flows[:0]
    yield Step(flows, windows.nothing, max(now_ms, 0), starts_anew)
