"""What `iotids-train paper` takes: `python -m tests.bench.paper [--rows N] [--folder DIR]`.

First a whole run at the fast pace on generated rows: seconds, and the most memory it had. Then how many rows
a second each network trains on, by our feeding and by a plain Keras `fit` over the same arrays, in batches of
32, by turns in one process; and in the fast pace's batches. Processor time is told too: other work on the
machine changes it least.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.report import machine, say, table
from tests.train.paper import generated, samples
from train.paper.settings import FAST, NETWORKS, PAPER

TRAIN = [sys.executable, "-c", "from train.cli import main; main()"]
RACE_ROWS, ROUNDS = 32_000, 3


def whole_run(folder: Path, rows: int) -> dict[str, float]:
    """Run the command on generated rows, one epoch of each network and no questions, then with them."""
    count = generated.write(folder / "data", rows)
    found: dict[str, float] = {"rows": count}
    places = ("--data", str(folder / "data"), "--out", str(folder / "out"))
    for name, questions in (("table", "none"), ("questions", "same")):
        begun = time.perf_counter()
        subprocess.run(
            [*TRAIN, "paper", *places, "--fast", "--epochs", "1", "--questions", questions], check=True
        )
        found[f"{name}_secs"] = time.perf_counter() - begun
        found[f"{name}_peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return found


def race(network: str) -> dict[str, dict[str, float]]:
    """Train by turns; the best round of each counts, the first, which traces, does not."""
    from train.paper.models import build  # noqa: PLC0415 - TensorFlow, in this process only now
    from train.paper.rows import fit_scaler  # noqa: PLC0415 - as above
    from train.paper.training import compile_model, dataset  # noqa: PLC0415 - as above

    rows = samples.rows(RACE_ROWS)
    scaler = fit_scaler(rows)
    values, classes = scaler(rows.whole())[:, :, None], np.eye(4, dtype=np.float32)[rows.classes]
    models = {way: build(network, 45, 4, seed=1, unroll=way != "plain") for way in ("plain", "ours", "fast")}
    models["plain"].compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    compile_model(models["ours"])
    compile_model(models["fast"])
    found: dict[str, dict[str, float]] = {way: {"wall": 0.0, "cpu": 0.0} for way in models}
    for number in range(1 + ROUNDS):
        for way, model in models.items():
            order = np.random.default_rng(number).permutation(len(rows))
            wall, cpu = time.perf_counter(), time.process_time()
            if way == "plain":
                model.fit(values, classes, batch_size=PAPER.batch, verbose=0)
            else:
                batch = PAPER.batch if way == "ours" else FAST.batch
                model.fit(dataset(rows, scaler, 4, batch, order), shuffle=False, verbose=0)
            if number:
                speeds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
                found[way] = {of: max(found[way][of], RACE_ROWS / seconds) for of, seconds in speeds.items()}
    return found


def main() -> None:
    """Measure, show, and leave everything in a JSON file."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.paper")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="for data and results; default: one that is removed")
    parser.add_argument("--json", type=Path, default=Path("bench-paper.json"))
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory(prefix="iotids-bench-") as scratch:
        found: dict[str, Any] = {"machine": machine()}
        if options.rows:
            found["run"] = whole_run(options.folder or Path(scratch), options.rows)
            say(table("a whole run", list(found["run"]), [["", *found["run"].values()]]))
        found["race"] = {network: race(network) for network in NETWORKS}
    lines = [
        [f"{network}, {way}", speeds["wall"], speeds["cpu"]]
        for network, ways in found["race"].items()
        for way, speeds in ways.items()
    ]
    say(table("rows/s", ["wall", "processor"], lines))
    options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
