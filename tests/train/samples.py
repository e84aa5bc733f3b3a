"""Made-up windows whose class can be read off one feature, in captures of several origins."""

from pathlib import Path

import numpy as np

from detector.bundle import MeterSettings, Schema, WindowSettings
from detector.features import SCHEMA
from detector.records import CATEGORIES, FACTS_DTYPE
from train.datasets import CaptureWindows, Dataset, Entry, Index, join, save_capture, write_index

LENGTH = WindowSettings().length_flows
MASK = SCHEMA.index("mask")
SIGNAL = SCHEMA.index("bytes_per_second")
LEVELS = (10.0, 1e3, 1e5, 1e7)
"""What the signal is about, by label."""


def windows(labels: list[int], seed: int = 0) -> CaptureWindows:
    """Return one window a label; padded to different degrees, one host, a window every second."""
    random = np.random.default_rng(seed)
    count = len(labels)
    sequences = random.exponential(5.0, size=(count, LENGTH, len(SCHEMA)))
    levels = np.array(LEVELS)[np.maximum(np.array(labels, int), 0)]
    sequences[:, :, SIGNAL] = levels[:, None] * random.uniform(0.5, 2.0, size=(count, LENGTH))
    sequences[:, :, MASK] = 1.0
    sequences *= (np.arange(LENGTH) >= random.integers(0, LENGTH, count)[:, None])[:, :, None]
    facts = np.zeros(count, FACTS_DTYPE)
    facts["host"], facts["top_peer"] = (7, 9), (8, 9)
    facts["time_ms"] = 1_000_000 + 1000 * np.arange(count)
    facts["first_ms"] = facts["last_ms"] = facts["time_ms"] - 500
    facts["flows"] = facts["top_peer_flows"] = 10
    facts["peers"], facts["ports"] = 1, 10
    return CaptureWindows(sequences.astype(np.float32), facts, np.array(labels, np.int8))


def dataset(origins: int = 3, each: int = 40, seed: int = 0) -> Dataset:
    """Return `each` windows of every class from every origin."""
    entries: list[Entry] = []
    parts: list[CaptureWindows] = []
    for origin in range(origins):
        for label, category in enumerate(CATEGORIES):
            entries.append(entry(f"origin-{origin}", category))
            parts.append(windows([label] * each, seed + len(parts)))
    return join(parts, entries)


def entry(origin: str, category: str, capture: str = "", licence: str = "MIT") -> Entry:
    return Entry(
        capture=capture or f"{origin}/{category}",
        origin=origin,
        category=category,
        licence=licence,
        windows=10,
        digest=f"sha256:{'0' * 64}",
    )


def schema() -> Schema:
    return Schema(names=SCHEMA.names, units=SCHEMA.units, digest=SCHEMA.digest)


def index(*entries: Entry) -> Index:
    return Index(features=schema(), meter=MeterSettings(), window=WindowSettings(), entries=entries)


def write_data(directory: Path, origins: int = 6, each: int = 30) -> Index:
    """Write a data directory with a capture of every class in every origin."""
    entries = []
    for origin in range(origins):
        for label, category in enumerate(CATEGORIES):
            content = windows([label] * each, 10 * origin + label)
            name = f"origin-{origin}"
            entries.append(
                save_capture(
                    directory,
                    content,
                    capture=f"{name}/{category}",
                    origin=name,
                    category=category,
                    licence="MIT",
                )
            )
    written = index(*entries)
    write_index(directory, written)
    return written
