"""How much the running daemon loses at which rate: `python -m tests.bench.live [curve|senders|blinded]`.

Everything happens in private network namespaces that end with the run; needs root. `curve` sends a flood and
ordinary traffic over a veth pair at rising rates, each time to a fresh daemon with the shipped bundle, alerts
to a file and metrics asked for once a second. `senders` finds how fast packets can be sent here at all,
and `blinded` whether a flood hides a scan. Numbers are those of the machine, its load and what it shares.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from detector.bundle import DEFAULT_BUNDLE
from tests import network
from tests.bench import live_blinded, live_report, live_senders
from tests.bench.live_daemon import Setting
from tests.bench.live_frames import SCENES
from tests.bench.live_point import PLUG, WATCHED, Point, measure
from tests.bench.live_programs import MeasureError

COLUMNS_OF_TEXT = 165
"""The tables are wide; a narrow terminal folds them."""

RATES = "25k,50k,100k,150k,200k,300k,max"


def rate(text: str) -> float:
    """Return packets/s from `25000`, `25k` or `max`, which is 0."""
    return 0.0 if text == "max" else float(text.removesuffix("k")) * (1000 if text.endswith("k") else 1)


def settings(buffers: Sequence[int | None], workers: Sequence[int | None]) -> list[Setting]:
    return [Setting(buffer, count) for count in workers for buffer in buffers]


def curve(chosen: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure every point; one that fails is told and does not end the others."""
    points: list[Point] = []
    notes: list[str] = []
    network.cable(WATCHED, PLUG)
    for setting in accepted(settings(chosen.buffers, chosen.workers), notes):
        for scene in chosen.scenes:
            found = []
            for each in chosen.rates:
                try:
                    found.append(measure(scene, each, chosen.seconds, setting, chosen.bundle))
                except MeasureError as error:
                    notes.append(f"{scene}, {setting}, rate {each:,.0f}: {error}")
            live_report.show(found, console)
            points += found
    for note in notes:
        console.print(f"note: {note}", markup=False)
    if chosen.plot and points:
        live_report.plot(points, chosen.plot)
    return {"points": [point.as_json() for point in points], "notes": notes}


def accepted(wanted: list[Setting], notes: list[str]) -> Iterator[Setting]:
    """Give the settings that this daemon takes, and note the others."""
    with tempfile.TemporaryDirectory() as folder:
        for setting in wanted:
            if refusal := setting.refusal(Path(folder)):
                notes.append(f"{setting}: skipped, the daemon refuses it: {refusal}")
            else:
                yield setting


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure what the running daemon loses.")
    parser.add_argument("what", nargs="?", choices=("curve", "senders", "blinded"), default="curve")
    parser.add_argument("--scenes", type=lambda text: text.split(","), default=list(SCENES))
    parser.add_argument("--rates", type=lambda text: [*map(rate, text.split(","))], default=RATES)
    parser.add_argument("--seconds", type=float, default=8.0, help="of sending, for each point")
    parser.add_argument("--buffers", type=_numbers, default=[None], help="MiB: 1,4,16,64")
    parser.add_argument("--workers", type=_numbers, default=[None], help="[capture] workers: 1,2")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--json", type=Path, help="default: .cache/bench-live.json, or -WHAT.json")
    parser.add_argument("--plot", type=Path, help="draw the curve into this file")
    parser.add_argument("--nice", type=int, default=0, help="of all that is run; -10 on a busy machine")
    return parser.parse_args()


def machine() -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Measure, print, and write JSON."""
    chosen, console = arguments(), Console()
    console.width = max(console.width, COLUMNS_OF_TEXT)
    if os.geteuid() != 0:
        raise SystemExit("needs root, for network namespaces")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    os.nice(chosen.nice)
    begun = machine()
    with network.own_namespace():
        measured = {"curve": curve, "senders": live_senders.run, "blinded": live_blinded.run}
        found = measured[chosen.what](chosen, console)
    suffix = "" if chosen.what == "curve" else f"-{chosen.what}"
    path = chosen.json or Path(f".cache/bench-live{suffix}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": begun, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
