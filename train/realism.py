"""How real the lab's ordinary traffic is: how well a forest tells it from that of real networks.

Judged on origins and captures that the forest never saw. An area under the curve of 0.5 means that it
cannot tell; 1 that a model trained on the lab has learned another world. What can be hoped for is what the
same forest makes of one real network among the others: no two homes are alike.
"""

from collections.abc import Iterator, Sequence
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

_FEWEST_CAPTURES = 50
"""Of a real network that is held against the others: fewer show a device or two."""


@dataclass(frozen=True, slots=True)
class Benign:
    """Benign windows of lab and real captures."""

    sequences: Features
    lab: NDArray[np.bool_]
    """Shape (m,)."""
    groups: NDArray[np.str_]
    """Shape (m,): what must not be on both sides: an origin, or a capture of the lab."""
    captures: NDArray[np.str_]
    """Shape (m,)."""

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
    real_networks: dict[str, float]
    """Area under the curve where a real origin of many captures stands in the lab's place, among the other
    real ones; the best told first."""


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
    capture_of = [entry.capture for entry, _ in drawn]
    return Benign(np.concatenate(parts), *(np.repeat(of, sizes) for of in (lab_of, group_of, capture_of)))


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
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - a second, for this command alone

    lab = benign.lab
    summary = summarise(benign.sequences, SCHEMA.index("mask"))
    found = _told_apart(summary, lab, benign.groups, seed, trees)
    if found is None:
        return None
    auc, shares = found
    newest = benign.sequences[:, -1]
    alone = {name: float(roc_auc_score(lab, newest[:, column])) for column, name in enumerate(SCHEMA.names)}
    networks = dict(_real_networks(summary[~lab], benign.groups[~lab], benign.captures[~lab], seed, trees))
    return Realism(
        auc=auc,
        lab_windows=int(lab.sum()),
        real_windows=int((~lab).sum()),
        real_origins=len(np.unique(benign.groups[~lab])),
        giveaways=dict(sorted(zip(SCHEMA.names, map(float, shares), strict=True), key=lambda pair: -pair[1])),
        alone=dict(sorted(alone.items(), key=lambda pair: -abs(pair[1] - 0.5))),
        real_networks=dict(sorted(networks.items(), key=lambda pair: -pair[1])),
    )


def _told_apart(
    summary: Features, odd: NDArray[np.bool_], groups: NDArray[np.str_], seed: int, trees: int
) -> tuple[float, NDArray[np.float64]] | None:
    """Return how well a forest tells the odd windows from the others, and each feature's share in that."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - as above
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - as above
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 - as above

    folds = min(FOLDS, len(np.unique(groups[odd])), len(np.unique(groups[~odd])))
    if folds < 2 or min(odd.sum(), (~odd).sum()) < _FEWEST:  # noqa: PLR2004 - one to learn from, one to judge
        return None
    scores = np.zeros(len(odd))
    shares = np.zeros(len(SCHEMA))
    deal = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for train, test in deal.split(summary, odd, groups):
        if len(np.unique(odd[train])) < 2:  # noqa: PLR2004 - both are needed
            return None
        forest = RandomForestClassifier(
            trees, min_samples_leaf=5, class_weight="balanced", n_jobs=-1, random_state=seed
        ).fit(summary[train], odd[train])
        scores[test] = forest.predict_proba(summary[test])[:, 1]
        shares += forest.feature_importances_.reshape(4, -1).sum(axis=0) / folds
    return float(roc_auc_score(odd, scores)), shares


def _real_networks(
    summary: Features, groups: NDArray[np.str_], captures: NDArray[np.str_], seed: int, trees: int
) -> Iterator[tuple[str, float]]:
    """Yield how well each real origin of many captures is told from the others, captures kept whole."""
    for group in np.unique(groups):
        odd = groups == group
        if len(np.unique(captures[odd])) < _FEWEST_CAPTURES:
            continue
        found = _told_apart(summary, odd, np.where(odd, captures, groups), seed, trees)
        if found is not None:
            yield str(group).removeprefix("real "), found[0]
