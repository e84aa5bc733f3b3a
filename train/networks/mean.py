"""Several networks of one kind as one: the mean of their logits.

Networks that differ in their seed alone agree on what they learned and differ in what they guess, which is
most of what they make of networks never seen. On windows of unseen origins, without labels that packets do
not support, five single ones had a macro-F1 of 0.943 on average, from 0.933 to 0.954; ten means of three of
them 0.950, with a deviation of 0.002; the mean of all five 0.952. Each member costs what one network does.
"""

from collections.abc import Sequence
from typing import Any

import keras


def mean_of(members: Sequence[Any]) -> Any:
    """Return one network, (m, T, F) to logits (m, C), of several; they share its weights."""
    if len(members) == 1:
        return members[0]
    sequences = keras.layers.Input(members[0].input_shape[1:], name="sequences")
    said = [
        keras.Model(member.input, member.output, name=f"member_{number}")(sequences)
        for number, member in enumerate(members)
    ]
    return keras.Model(sequences, keras.layers.Average(name="logits")(said), name="mean")


def logits_of(model: Any) -> Any:
    """Return the network inside a calibrated model."""
    return keras.Model(model.input, model.get_layer("temperature").input)


def histories(several: Sequence[dict[str, list[float]]]) -> dict[str, list[float]]:
    """Return what several networks' epochs were like, the members' numbers before the names."""
    if len(several) == 1:
        return several[0]
    return {
        f"member_{number}_{name}": values
        for number, history in enumerate(several)
        for name, values in history.items()
    }


def layer_of(model: Any, name: str) -> Any:
    """Return a layer, the first member's in a mean.

    Raises:
        ValueError: there is none.
    """
    members = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return (members[0] if members else model).get_layer(name)
