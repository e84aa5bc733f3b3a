"""Judge runs on the origins they never saw, beside what they have to beat."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.errors import UsageError
from detector.features import SCHEMA
from detector.records import CATEGORIES, Category
from detector.scorer import KerasScorer
from train import measures
from train.contest import Bench, Contender, Judged, Say, ablated, judge, model_file
from train.crossfit import Told, crossed
from train.curves import Curve
from train.datasets import read_index
from train.doubts import Doubt, find
from train.measures import Bin, Figures, Flags, share
from train.ordinary import ordinary_of
from train.outcomes import CURVE, CaptureOutcome, CurvePoint, capture_figures
from train.record import FIGURES, Run, doubted_by, read_run
from train.survey import Surveyed


@dataclass(frozen=True, slots=True)
class QuietPart:
    """How much of what is labelled by a capture's attack shows nothing of it; see `ordinary`."""

    capture: str
    windows: int
    """Labelled by an attack, of the capped ones."""
    quiet: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What all models make of the same captures; all but the figures is the network's."""

    network: str
    seeds: tuple[int, ...]
    origins_unseen: int
    figures: dict[str, Figures]
    """By model; the network's are means over the seeds."""
    spread: Figures
    """Standard deviation of the network's figures over the seeds, (n - 1); empty of one seed."""
    without_doubts: Figures
    """Without what `doubts` and `quiet` tell, all seeds together; empty without a survey."""
    confusion: list[list[int]]
    """Windows of all seeds, by true class (rows) and likeliest class."""
    reliability: list[Bin]
    curve: list[CurvePoint]
    origins: dict[str, Figures]
    """Of the first seed."""
    captures: list[CaptureOutcome]
    """Of every seed, one seed after the other."""
    doubts: list[Doubt]
    """Attack captures whose packets show nothing unusual."""
    quiet: list[QuietPart]
    """Of the other attack captures too: how many windows show nothing unusual."""
    evasion: tuple[Curve, ...] = ()
    """What `iotids-train evade` found, of its own captures and runs."""

    def columns(self) -> dict[str, Figures]:
        """Return all figures by what they are of, the network's first: what a bundle's card shows."""
        name, own = next(iter(self.figures.items()))
        of_it = {"spread over seeds": self.spread, "without unsupported labels": self.without_doubts}
        return {
            name: own,
            **{f"{name}, {what}": figures for what, figures in of_it.items() if figures},
            **self.figures,
        }


def evaluate_runs(
    data: Path,
    directories: Sequence[Path],
    *,
    cap_windows: int,
    with_baselines: bool,
    ablate: Collection[str] = (),
    survey: Mapping[str, Surveyed] | None = None,
    evasion: tuple[Curve, ...] = (),
    say: Say,
) -> Evaluation:
    """Judge runs on their test origins, and write the figures beside each model.

    Runs of one seed, each with test origins of its own, are judged as one: every capture by the run that
    never saw its origin, with the temperature and thresholds that the other runs' captures choose
    (`crossfit`). Several seeds give mean and spread; each must test the same origins. Baselines
    learn from what the runs of the first seed learned from.

    Raises:
        UsageError: the runs do not belong together.
    """
    index = read_index(data, schema_digest=SCHEMA.digest)
    seeds = _by_seed({directory: read_run(directory) for directory in directories})
    known = survey or {}
    ordinary = ordinary_of(data, index, known, cap_windows=cap_windows) if known else None
    judged: dict[str, dict[int, list[Judged]]] = defaultdict(dict)
    for number, (seed, runs) in enumerate(seeds.items()):
        told: dict[str, list[Told]] = defaultdict(list)
        for directory, run in runs.items():
            say(f"Judging {directory}.")
            bench = Bench(data, index, run, cap_windows, ordinary)
            network = Contender(run.network, KerasScorer.load(model_file(directory)), run.thresholds)
            contenders = [network] if number else [network, *ablated(network, ablate)]
            if with_baselines and not number:
                contenders += bench.baselines(ablate, say, alone=len(runs) == 1)
            for contender in contenders:
                told[contender.name].append(bench.tell(contender))
        say(f"Choosing temperatures and thresholds of seed {seed}.")
        doubted = doubted_by(runs.values())
        for name, parts in told.items():
            judged[name][seed] = [judge(part, known) for part in crossed(parts, doubted)]
    found = replace(_evaluation(judged, known), evasion=evasion)
    for directory in directories:
        (directory / FIGURES).write_text(json.dumps(found.columns(), indent=1) + "\n")
    return found


def _by_seed(runs: dict[Path, Run]) -> dict[int, dict[Path, Run]]:
    seeds: dict[int, dict[Path, Run]] = defaultdict(dict)
    for directory, run in runs.items():
        seeds[run.training.seeds[0]][directory] = run
    tested = []
    for chosen in seeds.values():
        sides = [run.side("test") for run in chosen.values()]
        if len(frozenset().union(*sides)) < sum(map(len, sides)):
            raise UsageError("two runs of one seed test on the same origin; name runs of different folds")
        tested.append(frozenset().union(*sides))
    if len(set(tested)) > 1:
        raise UsageError(
            "the runs of one seed test other origins than those of another; name all folds of each"
        )
    if len({run.network for run in runs.values()}) > 1:
        names = ", ".join(sorted({run.network for run in runs.values()}))
        raise UsageError(f"got runs of {names}; evaluate one network at a time")
    return seeds


def _evaluation(judged: dict[str, dict[int, list[Judged]]], survey: Mapping[str, Surveyed]) -> Evaluation:
    network, seeds = next(iter(judged.items()))
    by_seed = {name: [_figures(parts, survey) for parts in found.values()] for name, found in judged.items()}
    first = next(iter(seeds.values()))
    every = [part for parts in seeds.values() for part in parts]
    told = _joined(every)
    of_first, origins = _joined(first), np.concatenate([part.origins for part in first])
    captures = [outcome for part in every for outcome in part.captures]
    tested = {outcome.capture for outcome in captures}
    doubts = [doubt for doubt in find(survey.values()) if doubt.capture in tested]
    doubted = {doubt.capture for doubt in doubts}
    supported = [one for one in captures if one.capture not in doubted]
    names, quiet = (np.concatenate([getattr(part, each) for part in every]) for each in ("names", "quiet"))
    clear = ~np.isin(names, list(doubted)) & ~quiet
    models = max(len(parts) for parts in seeds.values())
    named = f"{network}, {models} models" if models > 1 else network
    return Evaluation(
        network=network,
        seeds=tuple(seeds),
        origins_unseen=len({one.origin for one in captures}),
        figures={named if name == network else name: _mean(each) for name, each in by_seed.items()},
        spread=_spread(by_seed[network]),
        without_doubts={
            **_window_figures(told.where(clear)),
            **capture_figures(supported, survey),
        }
        if doubts or not clear.all()
        else {},
        confusion=measures.confusion(told.probabilities, told.labels),
        reliability=measures.reliability(told.probabilities, told.labels),
        curve=_curve(every),
        origins=measures.by_origin(of_first.probabilities, of_first.labels, origins),
        captures=captures,
        doubts=doubts,
        quiet=_quiet_parts(first),
    )


def _quiet_parts(parts: Sequence[Judged]) -> list[QuietPart]:
    """Count the windows of each capture that show nothing of its attack."""
    labels, names, quiet = (
        np.concatenate([getattr(part, each) for part in parts]) for each in ("labels", "names", "quiet")
    )
    attack = labels != CATEGORIES.index(Category.BENIGN)
    return [
        QuietPart(str(name), int((names[attack] == name).sum()), int((names[quiet] == name).sum()))
        for name in np.unique(names[quiet])
    ]


class _Windows(NamedTuple):
    """What was told of m windows."""

    labels: NDArray[np.int8]
    probabilities: NDArray[np.float32]
    weighed: NDArray[np.float32]
    reached: Flags

    def where(self, chosen: Flags) -> "_Windows":
        return _Windows(
            self.labels[chosen], self.probabilities[chosen], self.weighed[chosen], self.reached[chosen]
        )


def _joined(parts: Sequence[Judged]) -> _Windows:
    return _Windows(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Windows._fields))


def _figures(parts: Sequence[Judged], survey: Mapping[str, Surveyed]) -> Figures:
    return {
        **_window_figures(_joined(parts)),
        **capture_figures([one for part in parts for one in part.captures], survey),
    }


def _window_figures(told: _Windows) -> Figures:
    if not len(told.labels):
        return {}
    return {
        **measures.window_figures(told.probabilities, told.labels),
        **measures.weighed_figures(told.weighed, told.labels),
        **measures.threshold_figures(told.reached, told.labels),
    }


def _mean(figures: list[Figures]) -> Figures:
    return {
        name: float(np.mean([each[name] for each in figures]))
        for name in figures[0]
        if _shared(name, figures)
    }


def _spread(figures: list[Figures]) -> Figures:
    if len(figures) == 1:
        return {}
    return {
        name: float(np.std([each[name] for each in figures], ddof=1))
        for name in figures[0]
        if _shared(name, figures)
    }


def _shared(name: str, figures: list[Figures]) -> bool:
    return all(name in each for each in figures)


def _curve(parts: Sequence[Judged]) -> list[CurvePoint]:
    labels, probabilities, *_ = _joined(parts)
    recon = CATEGORIES.index(Category.RECON)
    sure = probabilities[:, recon]
    benign, scans = labels == CATEGORIES.index(Category.BENIGN), labels == recon
    opened = [each for part in parts for each in part.recon]

    def captures(category: Category, at: int) -> float:
        return share(np.array([told[at] for named, told in opened if named == category], bool))

    return [
        CurvePoint(
            threshold=threshold,
            recon_windows=share(sure[scans] >= threshold),
            benign_windows=share(sure[benign] >= threshold),
            recon_captures=captures(Category.RECON, at),
            benign_captures=captures(Category.BENIGN, at),
        )
        for at, threshold in enumerate(CURVE)
    ]
