"""How fast the whole path is, beside NFStreamer iterated bare: `python -m tests.bench`.

Same captures, same machine, one run; each contender in a process of its own, in turns, and its best of some
rounds counts. What is compared is not the same work: iotids goes on to windows, scores and alerts in a
file, NFStreamer's flows are dropped. Absolute numbers are those of the machine; the ratio is the result.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from detector.bundle import DEFAULT_BUNDLE
from tests import rules
from tests.bench import captures

CONTENDERS = ("iotids", "NFStreamer", "NFStreamer 1 s")
"""The last with the idle and active timeouts of the bundle, in whole seconds."""

Found = dict[str, float]


def measure(name: str, capture: Path, bundle: Path) -> Found:
    """Run one contender over one capture."""
    command = [sys.executable, "-m", "tests.bench.contender", name, str(capture), str(time.monotonic())]
    done = subprocess.run([*command, str(bundle)], capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    found: Found = json.loads(done.stderr.splitlines()[-1])
    found["packets_per_sec"] = found["packets"] / found["secs"]
    found["flows_per_sec"] = found["flows"] / found["secs"]
    return found


def compare(capture: Path, bundle: Path, rounds: int) -> dict[str, Found]:
    """Return each contender's best round."""
    found: dict[str, list[Found]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, measured in found.items():
            measured.append(measure(name, capture, bundle))
    return {name: min(measured, key=lambda one: one["secs"]) for name, measured in found.items()}


def table(scene: str, results: dict[str, Found]) -> str:
    """Return one capture's results as text."""
    columns = ("secs", "cpu_secs", "packets_per_sec", "flows_per_sec", "flows", "start_up_secs", "peak_mb")
    rows = [f"{scene:24}" + "".join(f"{column:>17}" for column in columns)]
    for name, found in results.items():
        cells = (f"{found[column]:>17,.{2 if 'secs' in column else 0}f}" for column in columns)
        rows.append(f"{name:24}" + "".join(cells))
    fastest = results["iotids"]["packets_per_sec"]
    ratios = (f"{fastest / found['packets_per_sec']:.2f} of {name}" for name, found in results.items())
    return "\n".join([*rows, "packets/s of iotids: " + ", ".join(list(ratios)[1:])])


def main() -> None:
    """Measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description="Measure iotids beside NFStreamer.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path(".cache/bench.json"))
    parser.add_argument("--bundle", type=Path, help="default: the shipped one, or rules where there is none")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or DEFAULT_BUNDLE
        if not bundle.exists():
            bundle = rules.write(Path(folder) / "rules")
        scenes = {
            "flood": captures.flood(Path(folder) / "flood.pcap"),
            "ordinary": captures.ordinary(Path(folder) / "ordinary.pcap"),
        }
        results = {}
        for scene, capture in scenes.items():
            results[scene] = compare(capture, bundle, chosen.rounds)
            print(table(f"{scene} ({capture.stat().st_size / 1e6:.0f} MB)", results[scene]), end="\n\n")  # noqa: T201 - the answer
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    machine = {"processors": os.cpu_count(), "python": sys.version.split()[0], "load": os.getloadavg()[0]}
    chosen.json.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
