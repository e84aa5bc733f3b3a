"""One run and its rivals on the same captures: what each learns from, and what it makes of the rest."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.plausible import plausible
from detector.records import CATEGORIES, Category, WindowBatch
from detector.scorer import KerasScorer, Scorer
from train import baselines, measures, rate_rule
from train.ablate import Ablated, last_flow
from train.crossfit import Told, silencing
from train.datasets import Dataset, Entry, Index, load, load_capture
from train.fit import fit
from train.measures import Flags
from train.networks import PAPERS, calibrated
from train.ordinary import Ordinary
from train.outcomes import OTHER, CaptureOutcome, judge_capture, opens_recon
from train.record import MODEL, Run
from train.settings import PAPER
from train.survey import Surveyed
from train.tune import Scored

MASK = SCHEMA.index("mask")

_DRAW_SEED = 0
"""Every run is judged on the same windows, whatever seed it learned with."""

_EVEN = Thresholds(benign=0.5, recon=0.5, dos=0.5, ddos=0.5)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    scorer: Scorer
    thresholds: Thresholds
    calibrated: bool = True
    """False where what it tells are no probabilities."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What one model makes of its test origins."""

    labels: NDArray[np.int8]
    probabilities: NDArray[np.float32]
    weighed: NDArray[np.float32]
    """The same as the policy weighs them."""
    reached: Flags
    """Which classes reach their threshold then."""
    origins: NDArray[np.str_]
    names: NDArray[np.str_]
    """The capture of each window."""
    quiet: Flags
    """Whether a window shows nothing of the attack that it is labelled by."""
    captures: list[CaptureOutcome]
    recon: list[tuple[str, tuple[bool, ...]]]
    """Class of a benign or Recon capture, and at which thresholds of `CURVE` Recon opens."""


def model_file(directory: Path) -> Path:
    """Return the file of a run's model.

    Raises:
        UsageError: it is not there.
    """
    if not (directory / MODEL).is_file():
        raise UsageError(f"{directory / MODEL}: is missing; run iotids-train fit")
    return directory / MODEL


def side(data: Path, index: Index, origins: Collection[str], cap_windows: int, seed: int) -> Dataset:
    """Return the capped windows of all captures of some origins."""
    return load(data, index.of(origins), cap_windows=cap_windows, seed=seed)


def scored(data: Path, index: Index, entry: Entry, scorer: Scorer) -> Scored:
    """Return what a model makes of all windows of a capture; the windows themselves are not kept."""
    windows = load_capture(data, entry)
    probabilities = scorer.score(windows.sequences)
    nothing = np.zeros((0, *windows.sequences.shape[1:]), np.float32)
    return Scored(entry.capture, WindowBatch(nothing, windows.facts), probabilities, index.window)


def scored_benign(data: Path, index: Index, origins: Collection[str], scorer: Scorer) -> list[Scored]:
    """Return what a model makes of the benign captures of some origins."""
    benign = [entry for entry in index.of(origins) if entry.category == Category.BENIGN and entry.windows]
    return [scored(data, index, entry, scorer) for entry in benign]


def quiet_thresholds(
    data: Path, index: Index, scorer: Scorer, *, validate: Collection[str], aside: Collection[str]
) -> Thresholds:
    """Return thresholds that silence the benign captures to validate by, and most of those set aside."""
    quiet, held = (scored_benign(data, index, origins, scorer) for origins in (validate, aside))
    return silencing(quiet, held)


def ablated(network: Contender, ablate: Collection[str]) -> list[Contender]:
    return [
        Contender(f"{network.name}, {name}", Ablated(network.scorer, name), network.thresholds)
        for name in ablate
    ]


@dataclass(frozen=True, slots=True)
class Bench:
    """The data that one run is judged on, and that its rivals learn from."""

    data: Path
    index: Index
    run: Run
    cap_windows: int
    ordinary: Ordinary | None = None
    _sides: dict[str, Dataset] = field(default_factory=dict)

    def _side(self, name: str) -> Dataset:
        if name not in self._sides:
            left_out = self.run.training.left_out if name == "train" else ()
            entries = [each for each in self.index.of(self.run.side(name)) if each.capture not in left_out]
            self._sides[name] = load(self.data, entries, cap_windows=self.cap_windows, seed=_DRAW_SEED)
        return self._sides[name]

    def lesson(self) -> Dataset:
        """Return the windows that the run learnt from, before balancing."""
        return self._side("train")

    def tell(self, contender: Contender) -> Told:
        """Return what a model makes of the test side."""
        test = self._side("test")
        captures = [
            (entry, scored(self.data, self.index, entry, contender.scorer))
            for entry in self.index.of(self.run.side("test"))
            if entry.category in {*CATEGORIES, OTHER}
        ]
        return Told(
            labels=test.labels,
            probabilities=contender.scorer.score(test.sequences),
            facts=test.windows.facts,
            origins=test.origins,
            names=np.array([entry.capture for entry in test.entries], np.str_)[test.captures],
            quiet=self.ordinary.quiet_of(test) if self.ordinary else np.zeros(len(test), bool),
            captures=tuple(captures),
            thresholds=contender.thresholds,
            window=self.index.window,
            aside=tuple(scored_benign(self.data, self.index, self.run.side("aside"), contender.scorer)),
            calibrated=contender.calibrated,
        )

    def baselines(self, ablate: Collection[str], say: Say, *, alone: bool) -> Iterator[Contender]:
        """Give the models that the network must beat.

        Of a run that is judged `alone` each has thresholds chosen as the network's are, by validation
        origins. Else the other runs' captures choose them all (`crossfit`), and these are even. Of a run
        that others taught nothing validates: there the rate rule has its limits from training.
        """
        seed, training = self.run.training.seeds[0], self.lesson()
        validation = self._side("validate") if self.run.side("validate") else None
        for name, learn in (("random forest", baselines.random_forest), ("LightGBM", baselines.lightgbm)):
            say(f"Training the {name}.")
            yield self._with_thresholds(name, learn(training, mask=MASK, seed=seed), alone=alone)
        if "last-flow" in ablate:
            say("Training LightGBM on last flows alone.")
            windows = replace(training.windows, sequences=last_flow(training.sequences))
            last = baselines.lightgbm(replace(training, windows=windows), mask=MASK, seed=seed)
            yield self._with_thresholds("LightGBM, last-flow", Ablated(last, "last-flow"), alone=alone)
        for name in PAPERS:
            say(f"Training the {name}.")
            settings = PAPER.model_copy(update={"network": name, "seed": seed})
            fitted = fit(training, validation, settings, mask=MASK)
            scorer = KerasScorer(calibrated(fitted.model, fitted.temperature))
            yield self._with_thresholds(name, scorer, alone=alone)
        # Its limits are its thresholds: what it names it is sure of.
        rule = rate_rule.choose(validation or training)
        yield Contender("rate rule", rule, _EVEN, calibrated=False)

    def _with_thresholds(self, name: str, scorer: Scorer, *, alone: bool) -> Contender:
        if not alone or not self.run.side("validate"):
            return Contender(name, scorer, _EVEN)
        sides = {side: self.run.side(side) for side in ("validate", "aside")}
        return Contender(name, scorer, quiet_thresholds(self.data, self.index, scorer, **sides))


def judge(told: Told, survey: Mapping[str, Surveyed]) -> Judged:
    """Send what a model told through policy and incidents, capture by capture."""
    weighed = plausible(told.probabilities, told.facts, told.window)
    opened = [
        (entry.category, opens_recon(entry, scored, told.thresholds)) for entry, scored in told.captures
    ]
    return Judged(
        labels=told.labels,
        probabilities=told.probabilities,
        weighed=weighed,
        reached=measures.reached(weighed, told.thresholds),
        origins=told.origins,
        names=told.names,
        quiet=told.quiet,
        captures=[
            judge_capture(entry, scored, told.thresholds, survey.get(entry.capture))
            for entry, scored in told.captures
        ],
        recon=[(category, at) for category, at in opened if at is not None],
    )
