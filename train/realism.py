"""How real the lab's ordinary traffic is: how well a forest tells it from that of real networks.

Judged on origins and captures that the forest never saw. An area under the curve of 0.5 means that it
cannot tell; 1 that a model trained on the lab has learned another world.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.errors import UsageError
from detector.features import SCHEMA
from detector.records import Features
from train.baselines import summarise
from train.datasets import Entry, load_capture
from train.truth import BENIGN

FOLDS = 5
QUANTILES = (5, 25, 50, 75, 95)
"""Percent."""
_TREES = 200
_FEWEST = 20
"""Windows of each kind below which nothing is said."""


@dataclass(frozen=True, slots=True)
class Benign:
    """Benign windows of lab and real captures."""

    sequences: Features
    lab: NDArray[np.bool_]
    """Shape (m,)."""
    groups: NDArray[np.str_]
    """Shape (m,): what must not be on both sides: an origin, or a capture of the lab."""

    def quantiles(self) -> dict[str, dict[str, list[float]]]:
        """Return by feature the `QUANTILES` of the newest flows' values, of lab and of real windows."""
        newest = self.sequences[:, -1]
        kinds = {"lab": newest[self.lab], "real": newest[~self.lab]}
        values = {kind: np.percentile(rows, QUANTILES, axis=0).T for kind, rows in kinds.items() if len(rows)}
        return {
            name: {kind: [float(value) for value in rows[column]] for kind, rows in values.items()}
            for column, name in enumerate(SCHEMA.names)
        }


@dataclass(frozen=True, slots=True)
class Realism:
    """How well lab and real traffic are told apart."""

    auc: float
    """Area under the curve over all windows, each scored by a forest that saw nothing of its group."""
    lab_windows: int
    real_windows: int
    real_origins: int
    giveaways: dict[str, float]
    """Share of the forest's decisions by feature, the largest first."""
    alone: dict[str, float]
    """Area under the curve by the newest flow's value of one feature alone, the most telling first."""


def benign_windows(
    directory: Path, entries: Sequence[Entry], *, cap_windows: int = 1000, seed: int = 0
) -> Benign:
    """Draw benign windows: at most `cap_windows` of a real origin, and of the lab as many as of all those.

    Within an origin, and within the lab, captures give evenly: long ones would drown the rest.
    """
    random = np.random.default_rng(seed)
    origins: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.capture):
        if entry.windows and not entry.made_from:  # what was made of others is neither
            origins.setdefault("" if entry.layout == "lab" else entry.origin, []).append(entry)
    labs = origins.pop("", [])
    drawn = [pair for own in origins.values() for pair in _draw(directory, own, cap_windows, random)]
    real = sum(len(part) for _, part in drawn)
    drawn += _draw(directory, labs, real or cap_windows, random)
    parts = [part for _, part in drawn]
    sizes = list(map(len, parts))
    if not any(sizes):
        raise UsageError(f"{directory}: no benign window; run iotids-train extract on benign captures")
    lab_of = [entry.layout == "lab" for entry, _ in drawn]
    group_of = [
        f"lab {entry.capture}" if entry.layout == "lab" else f"real {entry.origin}" for entry, _ in drawn
    ]
    return Benign(np.concatenate(parts), np.repeat(lab_of, sizes), np.repeat(group_of, sizes))


def _draw(
    directory: Path, captures: Sequence[Entry], cap: int, random: np.random.Generator
) -> list[tuple[Entry, Features]]:
    """Draw `cap` benign windows at most, and of each capture as many as of any other that has so many."""
    windows = [load_capture(directory, entry) for entry in captures]
    rows = [np.flatnonzero(each.labels == BENIGN) for each in windows]
    each = _even_share(sorted(map(len, rows)), cap)
    chosen = [np.sort(random.choice(own, each, replace=False)) if len(own) > each else own for own in rows]
    return [
        (entry, found.sequences[own]) for entry, found, own in zip(captures, windows, chosen, strict=True)
    ]


def _even_share(counts: Sequence[int], total: int) -> int:
    """Return the most that each of some may give, fewest first, so that all give `total` at most."""
    for place, count in enumerate(counts):
        share = total // (len(counts) - place)
        if count > share:
            return share
        total -= count
    return max(counts, default=0)


def judge_realism(benign: Benign, *, seed: int = 0, trees: int = _TREES) -> Realism | None:
    """Train a forest to tell lab from real; None if there are too few windows or groups of either."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - a second, for this command alone
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - as above
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - as above

    lab = benign.lab
    sides = [np.unique(benign.groups[lab]), np.unique(benign.groups[~lab])]
    folds = min(FOLDS, *map(len, sides))
    if folds < 2 or min(lab.sum(), (~lab).sum()) < _FEWEST:  # noqa: PLR2004 - one to learn from, one to judge
        return None
    summary = summarise(benign.sequences, SCHEMA.index("mask"))
    scores = np.zeros(len(lab))
    shares = np.zeros(len(SCHEMA))
    deal = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for train, test in deal.split(summary, lab, benign.groups):
        if len(np.unique(lab[train])) < 2:  # noqa: PLR2004 - both are needed
            return None
        forest = RandomForestClassifier(
            trees, min_samples_leaf=5, class_weight="balanced", n_jobs=-1, random_state=seed
        ).fit(summary[train], lab[train])
        scores[test] = forest.predict_proba(summary[test])[:, 1]
        shares += forest.feature_importances_.reshape(4, -1).sum(axis=0) / folds
    newest = benign.sequences[:, -1]
    alone = {name: float(roc_auc_score(lab, newest[:, column])) for column, name in enumerate(SCHEMA.names)}
    return Realism(
        auc=float(roc_auc_score(lab, scores)),
        lab_windows=int(lab.sum()),
        real_windows=int((~lab).sum()),
        real_origins=len(sides[1]),
        giveaways=dict(sorted(zip(SCHEMA.names, map(float, shares), strict=True), key=lambda pair: -pair[1])),
        alone=dict(sorted(alone.items(), key=lambda pair: -abs(pair[1] - 0.5))),
    )
