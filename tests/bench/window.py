"""What a due window costs: the model alone, and the whole step from windows to alerts.

The windows are real ones, of the scene `ordinary`, and no two calls get the same. `score` is ONNX Runtime
with its one thread and the copy into its memory; `take` is scoring, policy, incidents and metrics of a step
in which one window became due. How flows become windows is not in it: see `growth` and the scenes.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from detector.config import Config
from detector.pipeline import Pipeline
from detector.records import WindowBatch
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.steps import Step
from tests.bench import path
from tests.bench.captures import LONG, homely
from tests.bench.options import Options
from tests.bench.packets import in_order, write
from tests.bench.report import quantiles, table

CALLS = 2_000
BATCHES = (1, 8, 64, 256)
_WARM_UP = 50
_CONNECTIONS = 4_000


def measure(name: str, options: Options) -> dict[str, Any]:  # noqa: ARG001 - as all parts
    """Return latencies in microseconds."""
    bundle = open_bundle(Config(bundle=str(options.bundle) if options.bundle else None))
    scorer = OnnxScorer(bundle)
    windows, step = _windows(options)
    pipeline = path.pipeline(options.bundle, options.folder / "window.alerts")
    pipeline.add_source("window", live=False)
    singles = [_one(windows, at) for at in range(_WARM_UP + CALLS)]
    return {
        "windows": len(windows),
        "score_micros": _latency(lambda at: scorer.score(singles[at].sequences)),
        "take_micros": _latency(_taking(pipeline, step, singles)),
        "batches": {size: _per_window(scorer, windows, size) for size in BATCHES},
    }


def _windows(options: Options) -> tuple[WindowBatch, Step]:
    """Return windows of some ordinary traffic, in the order in which they became due."""
    packets = in_order(homely(np.random.default_rng(6), LONG, _CONNECTIONS, 60, 20, secs=40))
    scene = write(options.folder / "window.pcap", packets)
    found, step = path.windows_of(path.pipeline(options.bundle), Path(scene.path))
    sequences = np.concatenate([batch.sequences for batch in found])
    return WindowBatch(sequences, np.concatenate([batch.facts for batch in found])), step


def _one(windows: WindowBatch, at: int) -> WindowBatch:
    return WindowBatch(windows.sequences[at : at + 1], windows.facts[at : at + 1])


def _taking(pipeline: Pipeline, step: Step, singles: list[WindowBatch]) -> Callable[[int], object]:
    """Return what takes one window after the other, at the packet time at which each became due."""
    prepared = [path.with_windows(step, window) for window in singles]
    return lambda at: pipeline.take(prepared[at])


def _latency(call: Callable[[int], object]) -> dict[str, float | None]:
    """Return percentiles of many calls, each timed by itself."""
    took = []
    for at in range(_WARM_UP + CALLS):
        begun = time.perf_counter()
        call(at)
        took.append((time.perf_counter() - begun) * 1e6)
    return quantiles(took[_WARM_UP:], 50, 95, 99)


def _per_window(scorer: OnnxScorer, windows: WindowBatch, size: int) -> float:
    """Return the median cost of a window in batches of a size."""
    took = []
    for turn in range(max(CALLS // size, 20)):
        start = turn * size % (len(windows) - size)
        part = windows.sequences[start : start + size]
        begun = time.perf_counter()
        scorer.score(part)
        took.append((time.perf_counter() - begun) / size * 1e6)
    return float(np.median(took))


def show(name: str, found: dict[str, Any]) -> str:
    """Return latencies and batches as two tables."""
    rows = [[kind, *found[f"{kind}_micros"].values()] for kind in ("score", "take")]
    batches = [["score", *found["batches"].values()]]
    return "\n".join(
        [
            table(f"{name}, µs of one", ["p50", "p95", "p99"], rows),
            table("µs a window, in batches of", [str(size) for size in found["batches"]], batches),
        ]
    )
