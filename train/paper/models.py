"""The paper's two networks, as published.

Both slide over the 45 features of a single row as though they were a sequence: their order is that of the
CSV file, so neighbours are neighbours by the dataset's choice of columns, and the LSTM's "time" is the
position of a column. That is what is published, and what is reproduced here.
"""

from typing import Any

import keras


def build(network: str, features: int, classes: int, *, seed: int, unroll: bool = True) -> Any:
    """Build `cnn` or `cnn-lstm`: (n, features, 1) to probabilities (n, classes), compiled by nobody yet.

    Args:
        network: one of `settings.NETWORKS`.
        features: columns of a row; 45, or fewer where a question leaves some out.
        classes: how many.
        seed: of the first weights and the dropout.
        unroll: write the LSTM's nine steps out instead of looping over them: the same numbers, sooner.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    convolutions = [
        layers.Conv1D(32, 3, activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(64, 3, activation="relu"),
        layers.MaxPooling1D(2),
    ]
    joined = {
        "cnn": lambda: [layers.Flatten()],
        "cnn-lstm": lambda: [layers.LSTM(64, unroll=unroll), layers.Dropout(0.5, seed=seed, name=DROPOUT)],
    }[network]()
    head = [layers.Dense(128, activation="relu"), layers.Dense(classes, activation="softmax")]
    return keras.Sequential([layers.Input((features, 1)), *convolutions, *joined, *head], name=network)


DROPOUT = "dropout"
