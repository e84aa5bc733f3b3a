"""The benchmark suite: `python -m tests.bench [PART ...]`.

Without a part, all but `hour` and `live` run, in less than ten minutes. Absolute numbers are those of the
machine; the ratios, taken in one run, are the result. Tables go to the terminal, everything to a JSON file,
the scenes as bars to an SVG file beside it.

Parts: `flood`, `ordinary`, `connections`, `scan` (captures at full speed, see `scenes`); `start`, `window`,
`growth`, `hour`, `detection` (each a module of that name, whose docstring says what it measures); `live` (see
`wire`).
"""

import argparse
import importlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol, cast

from detector.bundle import DEFAULT_BUNDLE
from tests import rules
from tests.bench import chart
from tests.bench.captures import SCENES
from tests.bench.options import Options
from tests.bench.report import machine, say

PARTS = {
    **dict.fromkeys(SCENES, "scenes"),
    **{name: name for name in ("start", "window", "growth", "detection")},
}
"""What runs without being named, and the module that does it."""

NAMED_ONLY = {"hour": "hour", "live": "wire"}
"""What takes long, or needs a network of its own."""


class Part(Protocol):
    """What a part's module offers."""

    def measure(self, name: str, options: Options) -> dict[str, Any]:
        """Return what was found, ready for JSON; raise SystemExit where that cannot be trusted."""
        ...

    def show(self, name: str, found: dict[str, Any]) -> str:
        """Return the same as text."""
        ...


def run(names: list[str], options: Options) -> dict[str, dict[str, Any]]:
    """Run parts one after the other; each is shown when it is done."""
    results = {}
    for name in names:
        module = (PARTS | NAMED_ONLY)[name]
        part = cast("Part", importlib.import_module(f"tests.bench.{module}"))
        begun = time.monotonic()
        results[name] = part.measure(name, options)
        say(part.show(name, results[name]))
        say(f"({name} took {time.monotonic() - begun:.0f} s)\n")
    return results


def keep(results: dict[str, dict[str, Any]], path: Path, context: dict[str, Any]) -> None:
    """Write the results, and a picture of the scenes among them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**context, "results": results}, indent=1) + "\n")
    scenes = {name: results[name] for name in SCENES if name in results}
    if scenes:
        chart.draw(scenes, path.with_suffix(".svg"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure iotids.")
    everything = [*PARTS, *NAMED_ONLY]
    parser.add_argument(
        "part", nargs="*", help=f"default: all but {', '.join(NAMED_ONLY)}; {', '.join(everything)}"
    )
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts (default: 3)")
    parser.add_argument("--json", type=Path, default=Path(".cache/bench.json"))
    parser.add_argument("--bundle", type=Path, help="default: the shipped one, or rules where there is none")
    parser.add_argument("--hour-secs", type=int, default=3600, help="packet time that `hour` lasts")
    parser.add_argument(
        "--hour-rate", type=int, default=20_000, help="SYNs a second of packet time in `hour`"
    )
    chosen = parser.parse_args()
    unknown = [name for name in chosen.part if name not in everything]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(everything)}")
    return chosen


def main() -> None:
    """Measure, print, and write JSON."""
    chosen = _arguments()
    context: dict[str, Any] = {"machine": machine(), "rounds": chosen.rounds}
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle
        if bundle is None and not DEFAULT_BUNDLE.exists():
            bundle = rules.write(Path(folder) / "rules")
        options = Options(Path(folder), bundle, chosen.rounds, chosen.hour_secs, chosen.hour_rate)
        results = run(chosen.part or list(PARTS), options)
    keep(results, chosen.json, context | {"bundle": str(bundle or DEFAULT_BUNDLE.name)})


if __name__ == "__main__":
    main()
