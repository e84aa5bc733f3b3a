"""How the cost of a packet grows with what there is to keep.

Hosts: as many short connections, of 10 to 100,000 hosts. Flows: as many packets, of 1,000 to 200,000 flows
open at once; the default `max_active_flows` is 60,000, so that the last rows measure eviction. Sources: as
many packets, through 1, 2 or 4 flow tables in turns and one path behind them. `meter` is the meter
alone, `iotids` the whole path. Each once, in a process of its own, and in processor time, which a busy
machine changes least: look at the trend, not at one figure.
"""

from typing import Any

from tests.bench import captures
from tests.bench.options import Options
from tests.bench.packets import Scene
from tests.bench.race import Found, compare
from tests.bench.report import table

HOSTS = (10, 100, 1_000, 10_000, 100_000)
OPEN_FLOWS = (1_000, 10_000, 50_000, 100_000, 200_000)
SOURCES = (1, 2, 4)
_ORDINARY = 4_000


def measure(name: str, options: Options) -> dict[str, Any]:  # noqa: ARG001 - as all parts
    """Return the figures by kind and number."""
    return {
        "hosts": {
            count: _both(captures.of_hosts(options.folder / "grow.pcap", count), options) for count in HOSTS
        },
        "open_flows": {
            count: _both(captures.at_once(options.folder / "grow.pcap", count), options)
            for count in OPEN_FLOWS
        },
        "sources": {count: _sources(count, options) for count in SOURCES},
    }


def _both(scene: Scene, options: Options) -> dict[str, Found]:
    return compare(("meter", "iotids"), options.bundle, [scene], rounds=1)


def _sources(count: int, options: Options) -> dict[str, Found]:
    """Share the same traffic out among some interfaces."""
    scenes = [
        captures.of_source(options.folder / f"grow{number}.pcap", number, _ORDINARY // count)
        for number in range(count)
    ]
    return compare(("in turns",), options.bundle, scenes, rounds=1)


_TITLES = {"hosts": "hosts", "open_flows": "flows open at once", "sources": "sources in turns"}


def show(name: str, found: dict[str, Any]) -> str:
    """Return a table of each kind."""
    return "\n\n".join(
        table(
            f"{name}, CPU: {_TITLES[kind]}",
            _head(measured),
            [_row(count, one) for count, one in measured.items()],
        )
        for kind, measured in found.items()
    )


def _head(measured: dict[int, dict[str, Found]]) -> list[str]:
    names = next(iter(measured.values()))
    return [f"{name} {what}" for name in names for what in ("µs/packet", "µs/flow", "MB")] + ["flows"]


def _row(count: int, one: dict[str, Found]) -> list[str | float]:
    costs = [
        each[key]
        for each in one.values()
        for key in ("cpu_micros_per_packet", "cpu_micros_per_flow", "peak_mb")
    ]
    return [f"{count:,}", *costs, list(one.values())[-1]["flows"]]
