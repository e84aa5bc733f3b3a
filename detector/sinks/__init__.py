"""Where alerts go. A broken sink is counted and named in the log, and never stops the path."""

from detector.sinks.file import JsonLinesSink
from detector.sinks.local import LogSink, StreamSink
from detector.sinks.network import network_sinks
from detector.sinks.outlet import Outlet
from detector.sinks.rotation import Rotation
from detector.sinks.sink import AlertSink, RefusedError, sentence
from detector.sinks.sinkset import SinkSet

__all__ = [
    "AlertSink",
    "JsonLinesSink",
    "LogSink",
    "Outlet",
    "RefusedError",
    "Rotation",
    "SinkSet",
    "StreamSink",
    "network_sinks",
    "sentence",
]
