"""How well attacks hide: disguised more and more, and judged by models that never saw their origin.

A disguised capture takes the detector's own path: meter, features, windows, policy, incidents. The result is
written while the work goes on; what stands in it and did not change since is not measured again.
"""

import json
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cached_property, lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle import digest_of
from detector.errors import UsageError
from detector.records import Category, WindowBatch
from detector.scorer import KerasScorer
from train.cache import capture_digest, code_digest, truth_digest
from train.contest import model_file
from train.corpus import end_with_parent
from train.crossfit import cooled
from train.curves import AS_IS, LADDERS, Evasion, Row, curves_of, read_evasion, write_evasion
from train.outcomes import judge_opens
from train.record import Run, read_run
from train.sources import CaptureSource
from train.trial import Disguised, Trial, disguise
from train.tune import Scored

_CODE = (
    "detector/plausible/*.py",
    "detector/policy.py",
    "detector/incidents/*.py",
    *(f"train/{name}.py" for name in ("disguises", "packets", "padding", "scene", "trial", "variants")),
)
"""What changes these figures besides the code that makes windows."""

_ATTACKS = (Category.RECON, Category.DOS, Category.DDOS)
_SAVE_SECONDS = 10.0
"""A run that is killed loses no more than this much work."""

_AHEAD = 2
"""Captures a process may be ahead of the scorer: their windows take memory."""


class Judge:
    """A training run as it judges captures of origins that it never saw."""

    def __init__(self, directory: Path, limits: Run | None = None) -> None:
        """Read what the run was.

        Args:
            directory: the run's.
            limits: another run, whose temperature and thresholds count in place of its own.

        Raises:
            UsageError: it is no whole run.
        """
        self.name, self.run = directory.name, read_run(directory)
        self._model = model_file(directory)
        chosen = limits or self.run
        self.thresholds = chosen.thresholds
        self._cooling = chosen.temperature / self.run.temperature
        told = f"{self.thresholds.model_dump_json()} {self._cooling}"
        self.digest = digest_of(self._model.read_bytes() + told.encode())

    @cached_property
    def scorer(self) -> KerasScorer:
        return KerasScorer.load(self._model)

    def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, (m, C), for windows, (m, T, F)."""
        told = self.scorer.score(sequences)
        return told if self._cooling == 1.0 else cooled(told, self._cooling)


def judges_of(directories: Iterable[Path], limits: Path | None = None) -> list[Judge]:
    """Open runs, to judge with their own temperature and thresholds or with those of one more.

    Raises:
        UsageError: one cannot be read, or they see other windows than each other.
    """
    chosen = read_run(limits) if limits else None
    judges = [Judge(directory, chosen) for directory in directories]
    if len({(judge.run.meter, judge.run.window) for judge in judges}) > 1:
        raise UsageError("the runs were made with different timeouts or windows; measure them apart")
    return judges


def plan(
    sources: Iterable[CaptureSource],
    judges: Sequence[Judge],
    *,
    evasions: Collection[str],
    each: int,
    most: int,
    largest_bytes: int,
    seed: int,
) -> list[Trial]:
    """Draw attack captures of origins that some run tests on, and list what is to be made of them.

    Args:
        sources: where to draw from.
        judges: the runs.
        evasions: names of `LADDERS`.
        each: how many captures of one class and origin, at most.
        most: how many of one class, at most.
        largest_bytes: larger captures are not drawn.
        seed: the same draws the same.

    Raises:
        UsageError: there is none.
    """
    tested = frozenset[str]().union(*(judge.run.side("test") for judge in judges))
    found: dict[str, dict[str, list[CaptureSource]]] = defaultdict(lambda: defaultdict(list))
    for source in sorted(sources, key=lambda source: source.name):
        if source.category in _ATTACKS and source.origin in tested and _bytes(source) <= largest_bytes:
            found[source.category][source.origin].append(source)
    if not found:
        raise UsageError(
            "no capture of an attack comes from an origin that a run tests on; give the runs of all folds, "
            "and the captures that they were made of"
        )
    meter, window = judges[0].run.meter, judges[0].run.window
    return [
        Trial(source, name, strength, seed, meter, window)
        for category in _ATTACKS
        for source in _drawn(found[category], each, most, f"{seed} {category}")
        for name in (AS_IS, *sorted(evasions))
        for strength in ([0.0] if name == AS_IS else LADDERS[name].strengths(category))
    ]


def _drawn(found: dict[str, list[CaptureSource]], each: int, most: int, seed: str) -> Iterator[CaptureSource]:
    """Draw captures in rounds, one of each origin a round, the origins in an order that is drawn too."""
    draw = random.Random(seed)  # noqa: S311 - a draw that can be made again
    shuffled = [draw.sample(captures, len(captures)) for _, captures in sorted(found.items())]
    draw.shuffle(shuffled)
    rounds = [captures[turn] for turn in range(each) for captures in shuffled if turn < len(captures)]
    yield from rounds[:most]


def measure(
    trials: Sequence[Trial],
    judges: Sequence[Judge],
    out: Path,
    *,
    jobs: int = 1,
    done: Callable[[str], None] = lambda _: None,
) -> Evasion:
    """Do all trials but those whose rows stand in `out`, and write the result there.

    `done` is called with the name of each capture.
    """
    known = {row.key: row for row in read_evasion(out).rows} if out.exists() else {}
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    todo = []
    keys = _Keys()
    for trial in trials:
        asked = {keys.of(trial, judge): judge for judge in _asked(trial, judges)}
        if all(key in known for key in asked):
            rows += [known[key] for key in asked]
            done(trial.source.name)
        else:
            todo.append((trial, asked))
    saved = time.monotonic()
    results = _disguised([trial for trial, _ in todo], jobs)
    for (trial, asked), found in zip(todo, results, strict=True):
        if isinstance(found, str):
            left_out[f"{trial.source.name}, {trial.evasion} {trial.strength:g}"] = found
        else:
            rows += [_judged(trial, found, judge, key) for key, judge in asked.items()]
        done(trial.source.name)
        if time.monotonic() - saved > _SAVE_SECONDS:
            write_evasion(out, Evasion((), rows, left_out))
            saved = time.monotonic()
    return write_evasion(out, Evasion(curves_of(rows), rows, left_out))


def _asked(trial: Trial, judges: Sequence[Judge]) -> list[Judge]:
    return [judge for judge in judges if trial.source.origin in judge.run.side("test")]


class _Keys:
    """Tells what a row depends on, as one digest."""

    def __init__(self) -> None:
        self._code = code_digest(_CODE)
        self._content = lru_cache(1)(lambda source: (capture_digest(source.path), truth_digest(source)))

    def of(self, trial: Trial, judge: Judge) -> str:
        source = trial.source
        told = [
            source.name,
            source.category,
            *self._content(source),
            trial.evasion,
            trial.strength,
            trial.seed,
        ]
        return digest_of(json.dumps([self._code, judge.digest, *told]).encode())


def _disguised(trials: Sequence[Trial], jobs: int) -> Iterator[Disguised | str]:
    """Give what becomes of each trial, in order; several processes are ahead by no more than a few."""
    if jobs == 1:
        yield from map(disguise, trials)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        running: deque[Future[Disguised | str]] = deque()
        for trial in trials:
            running.append(pool.submit(disguise, trial))
            if len(running) > _AHEAD * jobs:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _judged(trial: Trial, found: Disguised, judge: Judge, key: str) -> Row:
    windows = found.windows
    nothing = np.zeros((0, *windows.sequences.shape[1:]), np.float32)
    scored = Scored(
        trial.source.name,
        WindowBatch(nothing, windows.facts),
        judge.score(windows.sequences),
        judge.run.window,
    )
    outcome = judge_opens(
        scored,
        judge.thresholds,
        origin=trial.source.origin,
        category=trial.source.category,
        began_ms=found.began_ms,
    )
    return Row(
        evasion=trial.evasion,
        strength=trial.strength,
        run=judge.name,
        outcome=outcome,
        packets=found.packets,
        windows=len(windows.facts),
        key=key,
    )


def _bytes(source: CaptureSource) -> int:
    return source.path.stat().st_size if source.path.is_file() else 0
