"""Values that no feature can have: counted by feature, and their windows refused.

Every feature is a count, a size, a time, a flag or a share (`detector.features`), so what is possible
follows from its unit: nothing is negative, a flag is 0 or 1, a share at most 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.features import SCHEMA, FeatureSchema
from detector.records import Features


class Quality(NamedTuple):
    """What was found in the windows of a capture."""

    good: NDArray[np.bool_]
    """Shape (m,): windows without any such value."""
    refused: dict[str, int]
    """Values by feature and problem: `missing`, `infinite` or `impossible`."""


def judge(sequences: Features, schema: FeatureSchema = SCHEMA) -> Quality:
    """Look at every value of many windows, (m, T, F)."""
    missing, infinite = np.isnan(sequences), np.isinf(sequences)
    impossible = (sequences < 0) & ~infinite
    for column, unit in enumerate(schema.units):
        values = sequences[..., column]
        if unit == "flag":
            impossible[..., column] |= (values != 0) & (values != 1) & np.isfinite(values)
        elif unit == "ratio":
            impossible[..., column] |= (values > 1) & ~infinite[..., column]
    found = {"missing": missing, "infinite": infinite, "impossible": impossible}
    counts = {
        f"{schema.names[column]} {problem}": int(count)
        for problem, where in found.items()
        for column, count in enumerate(where.sum(axis=(0, 1)))
        if count
    }
    return Quality(np.asarray(~(missing | infinite | impossible).any(axis=(1, 2)), bool), counts)
