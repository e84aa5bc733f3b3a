"""The meter: packets to flow records, with NFStream's engine in our own process.

`Capture` reads packets, `FlowTable` turns them into flows. `NFStreamer` itself forks meters, sends
every flow through one pickling queue, expires nothing on a quiet link and ends no flow on FIN or
RST; driving its engine directly costs none of that and keeps its arithmetic, field by field.
"""

from detector.meter.capture import IGNORED_REASONS, Capture, PacketBlock
from detector.meter.engine import ENGINE_VERSION
from detector.meter.table import FlowTable

__all__ = ["ENGINE_VERSION", "IGNORED_REASONS", "Capture", "FlowTable", "PacketBlock"]
