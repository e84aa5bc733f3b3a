"""The meter: packets to flow records, with NFStream's engine in our own process.

`Capture` reads packets, `FlowTable` turns them into flows. `NFStreamer` itself forks meters, sends
every flow through one pickling queue, expires nothing on a quiet link and ends no flow on FIN or
RST; driving its engine directly costs none of that and keeps its arithmetic, field by field.
"""

from detector.bundle import MeterSettings
from detector.config import MeterConfig
from detector.meter.capture import IGNORED_REASONS, Capture, PacketBlock
from detector.meter.compiled import CompiledTable, library
from detector.meter.engine import ENGINE_VERSION
from detector.meter.fanout import Fanout
from detector.meter.link import Link, look
from detector.meter.pure import PureTable
from detector.meter.table import FlowTable

__all__ = [
    "ENGINE_VERSION",
    "IGNORED_REASONS",
    "Capture",
    "Fanout",
    "FlowTable",
    "Link",
    "PacketBlock",
    "flow_table",
    "is_compiled",
    "look",
]


def is_compiled() -> bool:
    """Tell whether the packet loop runs as compiled code; in Python it is four times slower."""
    return library() is not None


def flow_table(
    settings: MeterSettings, config: MeterConfig, *, source: int = 0, max_step_ms: int | None = None
) -> FlowTable:
    """Return an empty flow table: compiled where that is possible.

    Args:
        settings: as the bundle says.
        config: limits of its own.
        source: what its flows give as their `source`.
        max_step_ms: a stamp that jumps by more waits for its successor; None believes every stamp.
    """
    kind = CompiledTable if is_compiled() else PureTable
    return kind(settings, config, source=source, max_step_ms=max_step_ms)
