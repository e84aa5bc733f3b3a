"""Windows with something taken away, to see whether it was worth anything: their past, or their order."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.features import SCHEMA
from detector.scorer import Scorer

_Sequences = NDArray[np.float32]
_MASK = SCHEMA.index("mask")


def last_flow(sequences: _Sequences) -> _Sequences:
    """Return windows that hold their newest flow alone, its counts and relations included."""
    alone = np.zeros_like(sequences)
    alone[:, -1] = sequences[:, -1]
    return alone


def shuffled(sequences: _Sequences) -> _Sequences:
    """Return windows whose flows stand in another order; what each says of those before it stays with it.

    The draw depends on the number of flows alone, so that a window is shuffled alike every time.
    """
    mixed = sequences.copy()
    counts = (sequences[:, :, _MASK] > 0).sum(axis=1)
    length = sequences.shape[1]
    for count in np.unique(counts[counts > 1]):
        rows = np.flatnonzero(counts == count)
        order = length - count + np.random.default_rng(int(count)).permutation(count)
        mixed[rows, length - count :] = sequences[rows][:, order]
    return mixed


ABLATIONS: dict[str, Callable[[_Sequences], _Sequences]] = {"last-flow": last_flow, "shuffled": shuffled}


@dataclass(frozen=True, slots=True)
class Ablated:
    """A scorer that is shown less than there is."""

    scorer: Scorer
    ablation: str

    def score(self, sequences: _Sequences) -> _Sequences:
        """Return what the scorer makes of the poorer windows, (m, C)."""
        return self.scorer.score(ABLATIONS[self.ablation](sequences))
