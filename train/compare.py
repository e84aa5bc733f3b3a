"""Does the network earn its keep? Networks, trees and the rate rule, on the same windows.

A network named as doubted learns twice more: `shuffled` from windows whose flows stand in random order,
and `last-flow` from the newest flow alone, and is judged on such windows. What a flow's own features say
of those before it stays either way. `ablate` takes the same away from a network that has learnt with it;
here it never had it. Thresholds of every row keep the same budget on the same validation windows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detector.scorer import Scorer
from train import baselines, rate_rule
from train.ablate import last_flow
from train.calibrate import Budget, choose_thresholds, softmax
from train.contest import Say
from train.datasets import Dataset
from train.fit import fit, predict_logits
from train.measures import Figures, reached, threshold_figures, window_figures
from train.settings import FitSettings
from train.table import aligned

Sides = tuple[Dataset, Dataset, Dataset]
"""Training, validation and test."""

SHOWN = ("macro_f1", "mcc", "ece", "false_alarm_rate")
"""Measures of the table; the figures have all."""


def compare(
    sides: Sides,
    settings: FitSettings,
    networks: Sequence[str],
    *,
    mask: int,
    say: Say,
    doubted: Sequence[str] = (),
) -> dict[str, Figures]:
    """Return the figures on the test side by contestant.

    Args:
        sides: windows of three sets of origins.
        settings: how every network learns.
        networks: of `NETWORKS`.
        mask: the column of the feature `mask`.
        say: is told what trains.
        doubted: those of the networks that also learn without order, and without a past.
    """
    training, validation, test = sides
    figures: dict[str, Figures] = {}
    for name in networks:
        chosen = settings.model_copy(update={"network": name})
        for row, seen in _shown(sides, name, mask, settings.seed if name in doubted else None):
            say(f"Training {row}.")
            figures[row] = _network(seen, chosen, mask)
            say(f"{row}: macro-F1 {figures[row]['macro_f1']:.4f}.")
    rivals: dict[str, Callable[[], Scorer]] = {
        "random forest": lambda: baselines.random_forest(training, mask=mask, seed=settings.seed),
        "LightGBM": lambda: baselines.lightgbm(training, mask=mask, seed=settings.seed),
        "rate rule": lambda: rate_rule.choose(validation),
    }
    for name, learn in rivals.items():
        say(f"Training the {name}.")
        scorer = learn()
        scores = [scorer.score(dataset.sequences) for dataset in (validation, test)]
        figures[name] = _figures(scores, validation, test)
        say(f"{name}: macro-F1 {figures[name]['macro_f1']:.4f}.")
    return figures


def shuffled(dataset: Dataset, *, mask: int, seed: int) -> Dataset:
    """Return the windows with their flows in random order, padding still on the left.

    Every window has a draw of its own: one order for all could be learnt.
    """
    there = dataset.sequences[:, :, mask] > 0
    order = np.argsort(np.random.default_rng(seed).random(there.shape) + there, axis=1)
    return _with(dataset, np.take_along_axis(dataset.sequences, order[:, :, None], axis=1))


def lines(figures: dict[str, Figures]) -> list[str]:
    """Lay the measures that are `SHOWN`, and the share of each attack raised, out as a table."""
    raised = dict.fromkeys(
        name for measured in figures.values() for name in measured if name.startswith("raised_")
    )
    measures = [*SHOWN, *raised]
    rows = [
        [name, *(f"{measured[each]:.4f}" if each in measured else "" for each in measures)]
        for name, measured in figures.items()
    ]
    return aligned([["", *measures], *rows])


def _shown(sides: Sides, name: str, mask: int, seed: int | None) -> Iterator[tuple[str, Sides]]:
    """Give what a network is shown, by row; with a seed, also the poorer windows."""
    yield name, sides
    if seed is not None:
        training, validation, test = (shuffled(dataset, mask=mask, seed=seed) for dataset in sides)
        yield f"{name}, shuffled", (training, validation, test)
        training, validation, test = (_with(dataset, last_flow(dataset.sequences)) for dataset in sides)
        yield f"{name}, last-flow", (training, validation, test)


def _network(sides: Sides, settings: FitSettings, mask: int) -> Figures:
    training, validation, test = sides
    fitted = fit(training, validation, settings, mask=mask)
    scores = [
        softmax(predict_logits(fitted.model, dataset.sequences), fitted.temperature).astype(np.float32)
        for dataset in (validation, test)
    ]
    return _figures(scores, validation, test)


def _figures(scores: list[NDArray[np.float32]], validation: Dataset, test: Dataset) -> Figures:
    thresholds = choose_thresholds(scores[0].astype(np.float64), validation.labels, Budget())
    return {
        **window_figures(scores[1], test.labels),
        **threshold_figures(reached(scores[1], thresholds), test.labels),
    }


def _with(dataset: Dataset, sequences: NDArray[np.float32]) -> Dataset:
    return replace(dataset, windows=replace(dataset.windows, sequences=sequences))
