"""How fast the path is, beside NFStreamer iterated bare and beside libpcap alone, scene by scene.

What is compared is not the same work. `libpcap` only reads. `meter` and NFStreamer turn packets into flows;
the meter's are columns, NFStreamer's are Python objects from another process. `iotids` goes on to
windows, scores and alerts in a file. NFStreamer's default timeouts (120 s idle, 1,800 s active) give fewer
flows than the bundle's (1 s, 1 s); `NFStreamer 1 s` has the same timeouts, but ends no flow on FIN or RST.
"""

from collections import Counter
from typing import Any

import orjson

from tests.bench.captures import SCENES
from tests.bench.options import Options
from tests.bench.packets import Scene
from tests.bench.race import compare, ratios
from tests.bench.report import table, times

NAMES = ("libpcap", "meter", "iotids", "NFStreamer", "NFStreamer 1 s")
_COLUMNS = {
    "secs": "s",
    "cpu_secs": "CPU s",
    "packets_per_sec": "packets/s",
    "flows_per_sec": "flows/s",
    "flows": "flows",
    "peak_mb": "peak MB",
}


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return what each contender did with one scene, and the ratios."""
    scene = SCENES[name](options.folder / f"{name}.pcap")
    results = compare(NAMES, options.bundle, [scene], options.rounds)
    found = {
        "megabytes": scene.path.stat().st_size / 1e6,
        "contenders": results,
        "ratios": {
            against: ratios(results, against) for against in ("NFStreamer", "NFStreamer 1 s", "libpcap")
        },
        "incidents": incidents(scene),
    }
    scene.path.unlink()
    return found


def incidents(scene: Scene) -> dict[str, int]:
    """Return how many incidents iotids opened, by category."""
    events = [orjson.loads(line)["iotids"] for line in _alerts(scene).splitlines()]
    return dict(Counter(event["category"] for event in events if event["state"] == "open"))


def _alerts(scene: Scene) -> bytes:
    path = scene.path.with_suffix(".alerts")
    return path.read_bytes() if path.exists() else b""


def show(name: str, found: dict[str, Any]) -> str:
    """Return the scene's table."""
    title = f"{name} ({found['megabytes']:.0f} MB)"
    rows = [
        [contender, *(None if contender == "libpcap" and "flows" in key else one[key] for key in _COLUMNS)]
        for contender, one in found["contenders"].items()
    ]
    said = [
        f"{ours}: "
        + ", ".join(f"{times(found['ratios'][against][ours])} {against}" for against in found["ratios"])
        for ours in ("meter", "iotids")
    ]
    opened = ", ".join(f"{number} {category}" for category, number in found["incidents"].items()) or "none"
    return "\n".join([table(title, list(_COLUMNS.values()), rows), *said, f"incidents opened: {opened}"])
