"""The program's own pieces, as the suite uses them: the only module that changes when they do."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from detector.config import Config
from detector.features import SCHEMA
from detector.logs import LOGGER
from detector.pipeline import Pipeline
from detector.records import FACTS_DTYPE, FlowBatch, WindowBatch
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import JsonLinesSink, SinkSet
from detector.steps import Step, finish, steps
from detector.windows import Windows


class _NoWindows:
    """Stands where windows would be, takes flows and gives none: the meter alone."""

    nothing = WindowBatch(np.zeros((0, 1, len(SCHEMA)), np.float32), np.zeros(0, FACTS_DTYPE))

    def push(self, flows: FlowBatch) -> None:
        """Ignore flows."""

    def advance(self, watermark_ms: int) -> Iterator[WindowBatch]:  # noqa: ARG002 - as the real ones
        return iter(())

    def flush(self) -> Iterator[WindowBatch]:
        return iter(())


def pipeline(bundle: Path | None, alerts: Path | None = None) -> Pipeline:
    """Return a path like that of `iotids-detect`, with the default configuration."""
    config = Config(bundle=str(bundle) if bundle else None)
    opened = open_bundle(config)
    sinks = [JsonLinesSink(alerts)] if alerts else []
    return Pipeline(config, opened, OnnxScorer(opened), SinkSet(sinks, LOGGER))


def metered(path: Pipeline, capture: Path) -> Iterator[FlowBatch]:
    """Return all flows of a capture, which no window sees."""
    windows = cast("Windows", _NoWindows())
    table = path.add_source(str(capture), live=False)
    opened = path.open_capture(0, str(capture))
    for step in steps(opened, table, windows):
        yield step.flows
    for step in finish(table, windows):
        yield step.flows
    path.close_capture(0, opened)


def in_turns(path: Pipeline, captures: Sequence[Path]) -> Iterator[Step]:
    """Give the steps of several captures in turns, each with a flow table of its own, all with one path."""
    tables = [path.add_source(str(capture), live=False) for capture in captures]
    opened = [path.open_capture(number, str(capture)) for number, capture in enumerate(captures)]
    running = [steps(each, table, path.windows) for each, table in zip(opened, tables, strict=True)]
    while running:
        for each in list(running):
            step = next(each, None)
            if step is None:
                running.remove(each)
            else:
                yield step
    for table in tables:
        yield from finish(table, path.windows)


def windows_of(path: Pipeline, capture: Path) -> tuple[list[WindowBatch], Step]:
    """Return the windows that a capture makes due, and a step to put them into."""
    found = list(in_turns(path, [capture]))
    return [step.windows for step in found if len(step.windows)], found[0]


def with_windows(step: Step, windows: WindowBatch) -> Step:
    """Return the step as if these windows had become due in it."""
    return replace(step, windows=windows, now_ms=int(windows.facts["time_ms"][-1]))


def idle_timeout_ms(bundle: Path | None) -> int:
    """Return after how many milliseconds without a packet the bundle ends a flow."""
    return open_bundle(Config(bundle=str(bundle) if bundle else None)).meter.idle_timeout_ms
