"""Thresholds for one's own network: as many incidents a day as somebody will look into, and no more.

What a network's ordinary traffic looks like, only that network can tell. Its own benign captures go through
the detector's path; thresholds are raised from the bundle's, never lowered, until no more incidents
would have opened than the budget allows. How much that proves is a matter of how long was watched.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.bundle import ModelBundle, Thresholds
from detector.config import Config, ThresholdConfig
from detector.errors import CaptureError, UsageError
from detector.logs import LOGGER
from detector.meter import Capture, flow_table
from detector.pipeline import Pipeline
from detector.records import Alert, WindowBatch
from detector.replay import Replay
from detector.run import open_bundle
from detector.scorer import OnnxScorer, Scorer
from detector.sinks import SinkSet
from detector.steps import Step, finish, steps
from detector.windows import Windows
from train.survey import watched_secs
from train.tune import ATTACK_GRID, BENIGN_GRID, Scored, announced, certain, opens

LOWEST_BENIGN = 0.05
"""Benign is not believed below this: nothing would ever be uncertain."""

CONFIDENCE = 0.95
"""Of the bound on how many incidents a day there may really be."""

_PER_DAY = {"hour": 24.0, "day": 1.0, "week": 1.0 / 7.0}
_DAY_SECS = 86_400.0
_NAMED = 5
"""Incidents that are named where the budget is missed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Benign traffic, scored."""

    scored: Scored
    days: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """Thresholds for a network, and what would have opened there."""

    before: Thresholds
    after: Thresholds
    days: float
    budget: float
    """Incidents a day."""
    opened_before: int
    opened: tuple[Alert, ...]
    """With the thresholds chosen."""

    @property
    def met(self) -> bool:
        """Whether no more opened than the budget allows."""
        return len(self.opened) <= self.budget * self.days

    @property
    def at_most(self) -> float:
        """Incidents a day that may come in truth, with `CONFIDENCE`."""
        return most_expected(len(self.opened)) / self.days


def incidents_per_day(text: str) -> float:
    """Read a budget such as `1/day`, `0.5/week` or `2/hour`.

    Raises:
        UsageError: it is no such text.
    """
    number, _, unit = text.partition("/")
    try:
        rate = float(number) * _PER_DAY[unit.strip()]
    except (ValueError, KeyError):
        rate = math.nan
    if not 0.0 < rate < math.inf:
        raise UsageError(f"--budget {text}: expected a number above 0 and hour, day or week, such as 1/day")
    return rate


def most_expected(count: int, confidence: float = CONFIDENCE) -> float:
    """Return the largest mean of a Poisson variable that `count` does not contradict.

    For 0 this is the rule of three: 3.0 at 95 %. Source: Garwood, Fiducial limits for the Poisson
    distribution, Biometrika 1936.
    """
    low, high = 0.0, 10.0 * (count + 3.0)
    for _ in range(100):
        middle = (low + high) / 2.0
        terms = (
            math.exp(-middle + each * math.log(middle) - math.lgamma(each + 1)) for each in range(count + 1)
        )
        low, high = (middle, high) if sum(terms) > 1.0 - confidence else (low, middle)
    return high


def tune_own(files: Sequence[str], budget: float, bundle: Path | None) -> Tuned:
    """Choose thresholds on benign captures, which are one stretch of traffic as for `iotids-detect --pcap`.

    Raises:
        CaptureError: a file cannot be read, or there is nothing in it to watch.
        BundleError: the bundle cannot be used.
    """
    config = Config(bundle=str(bundle) if bundle else None)
    opened = open_bundle(config)
    scorer = OnnxScorer(opened)
    watched = watch(files, config, opened, scorer)
    before = opened.thresholds
    allowed = int(budget * watched.days)
    after = choose(watched.scored, before, allowed)
    really = _replayed(files, config, opened, scorer, after)
    if len(opens(watched.scored, after)) <= allowed:
        # The live path leaves out windows of calm hosts, so that another incident may open there.
        while len(really) > allowed and (following := raised(after, really)) != after:
            after = following
            really = _replayed(files, config, opened, scorer, after)
    return Tuned(before, after, watched.days, budget, len(opens(watched.scored, before)), really)


def watch(files: Sequence[str], config: Config, bundle: ModelBundle, scorer: Scorer) -> Watched:
    """Return all windows of the files, scored, and how long they took."""
    table = flow_table(bundle.meter, config.meter, max_step_ms=config.capture.max_clock_step_ms)
    windows = Windows(bundle.window, config.window)
    facts, probabilities, stamps = [], [], []

    def all_steps() -> Iterator[Step]:
        for file in files:
            capture = Capture.open_file(file, config.capture, decode_tunnels=config.meter.decode_tunnels)
            try:
                yield from steps(capture, table, windows)
            finally:
                capture.close()
        yield from finish(table, windows)

    for step in all_steps():
        stamps += [step.flows[f"bidirectional_{end}_seen_ms"] for end in ("first", "last")]
        if len(step.windows):
            facts.append(step.windows.facts)
            probabilities.append(scorer.score(step.windows.sequences))
    if not facts:
        raise CaptureError(
            f"{', '.join(files)}: not enough IP traffic for a single window; give a longer capture"
        )
    nothing = np.zeros((0, *bundle.manifest.sequence_shape), np.float32)
    batch = WindowBatch(nothing, np.concatenate(facts))
    return Watched(
        Scored(", ".join(files), batch, np.concatenate(probabilities), bundle.window),
        watched_secs(np.concatenate(stamps)) / _DAY_SECS,
    )


def choose(benign: Scored, start: Thresholds, allowed: int) -> Thresholds:
    """Return the thresholds nearest to `start` with which at most `allowed` incidents open, within bounds.

    The class that opens most is raised first; afterwards each goes back as far as the others allow. What
    the strictest cannot silence is allowed too, so that no threshold is raised for nothing.
    """
    chosen = start
    while len(opened := opens(benign, chosen)) > allowed:
        following = raised(chosen, opened)
        if following == chosen:
            allowed = len(opened)
            break
        chosen = following
    for name in Thresholds.model_fields:
        for value in _values(name, getattr(start, name)):
            if value == getattr(chosen, name):
                break
            tried = chosen.model_copy(update={name: value})
            if len(opens(benign, tried)) <= allowed:
                chosen = tried
                break
    return chosen


def raised(thresholds: Thresholds, opened: Sequence[Alert]) -> Thresholds:
    """Return thresholds of which one is a step stricter, that of the class that opened most; or the same."""
    names = Counter(alert.category.lower() if certain(alert) else "benign" for alert in opened)
    for name, _ in names.most_common():
        values = _values(name, getattr(thresholds, name))
        if len(values) > 1:
            return thresholds.model_copy(update={name: values[1]})
    return thresholds


def _values(name: str, start: float) -> list[float]:
    """Return a threshold and all stricter ones: higher for attacks, lower for Benign."""
    if name == "benign":
        return [start, *(each for each in BENIGN_GRID if LOWEST_BENIGN <= each < start)]
    return [start, *(each for each in ATTACK_GRID if each > start)]


def _replayed(
    files: Sequence[str], config: Config, bundle: ModelBundle, scorer: Scorer, thresholds: Thresholds
) -> tuple[Alert, ...]:
    """Return what the detector itself opens."""
    own = config.model_copy(update={"thresholds": ThresholdConfig(**thresholds.model_dump())})
    replay = Replay(Pipeline(own, bundle, scorer, SinkSet([], LOGGER)))
    opened = tuple(announced(replay.run(list(files))))
    if replay.problems:
        raise replay.problems[0]
    return opened


def toml(found: Tuned) -> str:
    """Return the lines for the configuration file, with what they are worth."""
    before, after = found.before.model_dump(), found.after.model_dump()
    lines = [*(f"# {line}" for line in verdict(found)), "[thresholds]"]
    for name, value in after.items():
        told = "as the bundle" if value == before[name] else f"the bundle has {before[name]:g}"
        lines.append(f"{name} = {value:g}  # {told}")
    return "\n".join(lines) + "\n"


def _long(days: float) -> str:
    hours = days * _PER_DAY["hour"]
    if hours < 1.0:
        return f"{hours * 60:.2g} minutes" if hours * 60 >= 1.0 else f"{hours * 3600:.2g} seconds"
    return f"{hours:.2g} hours" if days < 1.0 else f"{days:.1f} days"


def verdict(found: Tuned) -> Iterator[str]:
    """Say in words what would have opened, and how much that proves."""
    long = _long(found.days)
    yield (
        f"In {long} of ordinary traffic {found.opened_before} incidents open with the bundle's thresholds, "
        f"{len(found.opened)} with these; the budget is {found.budget:.3g} a day."
    )
    if not found.met:
        yield "BUDGET MISSED: no stricter thresholds, short of missing attacks, leave fewer. Still open:"
        for alert in found.opened[:_NAMED]:
            yield f"  {alert.category}: {alert.attacker} to {alert.victim}, {alert.reason}"
        yield "If these are known and harmless, name them in [incidents] allow."
    elif found.at_most > found.budget:
        yield (
            f"TOO SHORT TO TELL: {len(found.opened)} in {long} may mean up to {found.at_most:.2g} a day "
            f"({CONFIDENCE:.0%} confidence); {most_expected(0) / found.budget:.2g} days without one tell."
        )
    else:
        yield f"At most {found.at_most:.2g} a day are to be expected ({CONFIDENCE:.0%} confidence)."
