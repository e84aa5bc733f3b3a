"""Metering one capture twice: by the project's flow table and by `NFStreamer` itself."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from nfstream import NFStreamer

from detector.bundle import MeterSettings
from detector.config import CaptureConfig, MeterConfig
from detector.errors import CaptureError
from detector.meter import Capture, PacketBlock, flow_table
from detector.records import FLOW_DTYPE, Expiry, FlowBatch, address

NFSTREAM_FIELDS = [name for name in FLOW_DTYPE.names or () if name not in ("export_ms", "source")]

AS_NFSTREAM = MeterSettings(
    idle_timeout_ms=2000, active_timeout_ms=5000, expire_closed=False, keep_direction=False
)
"""The same timeouts for both, and none of the flow table's own reasons to let a flow go."""

Row = tuple[Any, ...]


def meter(
    path: Path,
    settings: MeterSettings = AS_NFSTREAM,
    *,
    max_step_ms: int | None = None,
    config: MeterConfig | None = None,
) -> FlowBatch:
    """Return every flow of a capture, as the flow table meters it."""
    config = config or MeterConfig()
    capture = Capture.open_file(str(path), CaptureConfig(), decode_tunnels=config.decode_tunnels)
    table, block, flows = flow_table(settings, config, max_step_ms=max_step_ms), PacketBlock(), []
    while not capture.ended:
        with suppress(CaptureError):  # a broken capture: both meters keep what came before
            capture.read(block)
        while not table.consume(block, final=capture.ended):
            flows.append(table.take())
        flows.append(table.take())
    table.flush()
    capture.close()
    return np.concatenate([*flows, table.take()])


def ours(flows: FlowBatch) -> list[Row]:
    """Return flows as sorted rows of plain values under NFStream's conventions."""
    rows = []
    for flow in flows:
        values = {name: flow[name] for name in NFSTREAM_FIELDS}
        for end in ("src", "dst"):
            values[f"{end}_ip"] = str(address(flow[f"{end}_ip"]))
            values[f"{end}_mac"] = ":".join(f"{byte:02x}" for byte in flow[f"{end}_mac"])
        # NFStream numbers what its end of capture cuts short as idle.
        if flow["expiration_id"] == Expiry.FLUSHED:
            values["expiration_id"] = Expiry.IDLE
        rows.append(tuple(v if isinstance(v, str) else v.item() for v in map(_plain, values.values())))
    return sorted(rows)


def _plain(value: Any) -> Any:
    return np.int64(value) if isinstance(value, Expiry) else value


def theirs(path: Path) -> list[Row]:
    """Return NFStreamer's flows of the same capture as sorted rows of the same fields."""
    streamer = NFStreamer(
        source=str(path),
        statistical_analysis=True,
        n_dissections=0,
        n_meters=1,
        idle_timeout=AS_NFSTREAM.idle_timeout_ms // 1000,
        active_timeout=AS_NFSTREAM.active_timeout_ms // 1000,
    )
    return sorted(tuple(getattr(flow, name) for name in NFSTREAM_FIELDS) for flow in streamer)
