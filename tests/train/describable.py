"""A data directory of lab and real captures, whose benign windows differ as much as asked."""

from pathlib import Path

import numpy as np

from detector.features import SCHEMA
from detector.records import CATEGORIES
from tests.train import samples
from train.datasets import CaptureWindows, Index, save_capture, write_index

TOLD_BY = SCHEMA.index("src2dst_max_ps")


def write(directory: Path, *, factor: float, origins: int = 6, each: int = 12) -> Index:
    """Write captures of every class by `origins` networks, and as many of a lab.

    The lab's `src2dst_max_ps` is `factor` times what it is elsewhere.
    """
    entries = []
    for number in range(2 * origins):
        lab = number >= origins
        for label, category in enumerate(CATEGORIES):
            windows = samples.windows([label] * each, 10 * number + label)
            sequences = windows.sequences.copy()
            sequences[:, :, TOLD_BY] *= factor if lab else 1
            origin = "lab" if lab else f"home-{number}"
            entry = save_capture(
                directory,
                CaptureWindows(np.abs(sequences), windows.facts, windows.labels),
                capture=f"{origin}/{category}-{number}",
                origin=origin,
                category=category,
                licence="MIT",
                layout="lab" if lab else "manifest",
                tools=("nmap",) if lab and category == "Recon" else (),
                flows=10 * each,
                packets=30 * each,
                seconds=float(each),
            )
            entries.append(entry)
    return write_index(directory, samples.index(*entries))
