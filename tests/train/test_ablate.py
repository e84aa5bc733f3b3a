import numpy as np
from numpy.typing import NDArray

from tests.train import samples
from train.ablate import Ablated, last_flow, shuffled


def test_the_last_flow_stands_alone() -> None:
    sequences = samples.windows([0] * 5).sequences
    alone = last_flow(sequences)
    assert not alone[:, :-1].any()
    assert (alone[:, -1] == sequences[:, -1]).all()
    assert (alone[:, :, samples.MASK].sum(axis=1) == 1).all()


def test_shuffling_keeps_the_flows_and_the_padding() -> None:
    sequences = samples.windows([0] * 40, seed=3).sequences
    mixed = shuffled(sequences)
    assert (mixed[:, :, samples.MASK] == sequences[:, :, samples.MASK]).all()
    assert (np.sort(mixed, axis=1) == np.sort(sequences, axis=1)).all()
    assert (mixed != sequences).any()
    assert (shuffled(sequences) == mixed).all()


def test_the_scorer_sees_the_poorer_windows() -> None:
    class Sees:
        """Remembers what it was shown."""

        seen: NDArray[np.float32]

        def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
            self.seen = sequences
            return np.full((len(sequences), 4), 0.25, np.float32)

    scorer, sequences = Sees(), samples.windows([0] * 3).sequences
    assert Ablated(scorer, "last-flow").score(sequences).shape == (3, 4)
    assert (scorer.seen == last_flow(sequences)).all()
