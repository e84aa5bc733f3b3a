"""Temperature and thresholds from captures that the models of a recipe never saw.

The origins that one run holds back to validate are few. Runs that each left other origins out have together
judged every capture unseen: what suits those judgements suits the recipe. So a model that ships is calibrated
by all of its folds, and a fold is judged with what the other folds say, which leaves its own captures out of
the choice. On five folds of the shared captures this took the calibration error from 0.040, with each fold's
own validation origins, to 0.022, and more attacks opened beside fewer false alarms.

Captures set aside are nobody's own: all models judge them together. With one seed, by each fold's model alone
the threshold of DoS lay between 0.70 and 0.93, by all five between 0.75 and 0.85.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds, WindowSettings
from detector.records import Category
from train.calibrate import fit_temperature, softmax
from train.datasets import Entry
from train.tune import Scored, tune

FALSE_SHARE = 1 / 300
"""Of benign captures of unseen origins, how many may raise an incident of one class: of all three together
one in a hundred."""

ASIDE_SHARE = 0.1
"""Of the judgements of benign captures set aside, each by every model, how many may raise an incident of one
class. The lab's are busier than any network. DoS needs 0.93 at this share; at 0.75 one pair of busy machines
in seven opened one."""

_LEAST = 1e-9
"""Trees are sure beyond all logarithms."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one model makes of origins that it never saw, before anything is decided."""

    labels: NDArray[np.int8]
    """Shape (m,), of at most so many windows a capture and class, like the next five."""
    probabilities: NDArray[np.float32]
    facts: NDArray[np.void]
    origins: NDArray[np.str_]
    names: NDArray[np.str_]
    """The capture of each window."""
    quiet: NDArray[np.bool_]
    """Whether a window shows nothing of the attack that it is labelled by; see `ordinary`."""
    captures: tuple[tuple[Entry, Scored], ...]
    """All windows of each."""
    thresholds: Thresholds
    window: WindowSettings
    aside: tuple[Scored, ...] = ()
    """Benign captures set aside, which its thresholds must do for."""
    calibrated: bool = True
    """False where what it tells are no probabilities: nothing is chosen then."""

    def benign(self, temperature: float) -> list[Scored]:
        """Return the benign captures as a temperature more would have told them."""
        benign = (scored for entry, scored in self.captures if entry.category == Category.BENIGN)
        return [_cooled(scored, temperature) for scored in benign]

    def held(self, temperature: float) -> list[Scored]:
        """Return the captures set aside as a temperature more would have told them."""
        return [_cooled(scored, temperature) for scored in self.aside]

    def with_temperature(self, temperature: float) -> "Told":
        """Return what it would have told with a temperature more."""
        return replace(
            self,
            probabilities=cooled(self.probabilities, temperature),
            captures=tuple((entry, _cooled(scored, temperature)) for entry, scored in self.captures),
            aside=tuple(self.held(temperature)),
        )


def cooled(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities, (m, C), as a softmax of another temperature would have given them."""
    return softmax(_logits(probabilities), temperature).astype(np.float32)


def _cooled(scored: Scored, temperature: float) -> Scored:
    return replace(scored, probabilities=cooled(scored.probabilities, temperature))


def temperature_of(parts: Sequence[Told], doubted: Collection[str] = ()) -> float:
    """Return the temperature with which the models would have been as sure as they were right.

    `doubted` captures do not count: by a label that the packets do not support no model is right or wrong,
    and five models that were surely right about such ones would be made unsure of everything.
    """
    clear = [~np.isin(part.names, list(doubted)) for part in parts]
    labels = np.concatenate([part.labels[known] for part, known in zip(parts, clear, strict=True)])
    told = np.concatenate([part.probabilities[known] for part, known in zip(parts, clear, strict=True)])
    return fit_temperature(_logits(told), labels, np.ones(len(labels), np.float32))


def crossed(parts: Sequence[Told], doubted: Collection[str] = ()) -> list[Told]:
    """Return each model's judgements with temperature and thresholds that the others' choose.

    Captures set aside choose by what all models make of them. One alone, and one whose others know no
    benign capture, keeps its own. For `doubted` captures see `temperature_of`.
    """
    return [_crossed(part, [other for other in parts if other is not part], doubted) for part in parts]


def _crossed(part: Told, others: Sequence[Told], doubted: Collection[str]) -> Told:
    if not others or not part.calibrated:
        return part
    temperature = temperature_of(others, doubted)
    quiet = [each for other in others for each in other.benign(temperature)]
    if not quiet:
        return part
    judged = part.with_temperature(temperature)
    held = [*judged.aside, *(each for other in others for each in other.held(temperature))]
    return replace(judged, thresholds=silencing(quiet, held))


def silencing(quiet: Sequence[Scored], aside: Sequence[Scored] = ()) -> Thresholds:
    """Return thresholds that keep benign captures of unseen origins quiet, and most of those set aside."""
    chosen = tune(quiet, false_share=FALSE_SHARE)
    return strictest(chosen, tune(aside, false_share=ASIDE_SHARE)) if aside else chosen


def strictest(*chosen: Thresholds) -> Thresholds:
    """Return thresholds that raise no more than any of these."""
    return Thresholds(
        benign=min(each.benign for each in chosen),
        recon=max(each.recon for each in chosen),
        dos=max(each.dos for each in chosen),
        ddos=max(each.ddos for each in chosen),
    )


def _logits(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log(np.maximum(probabilities, _LEAST))
