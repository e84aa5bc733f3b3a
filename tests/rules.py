"""A bundle that holds rules instead of weights: real format, schema and path, verdicts one can foresee.

It looks at the last row of a window. TCP to many ports, with the peer of half the flows or more, is Recon (a
bystander's flow may come last in a flood), many unanswered peers of a target are DDoS, many unanswered flows
between few hosts are DoS, all else is Benign.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.bundle import (
    Check,
    Manifest,
    MeterSettings,
    Schema,
    Thresholds,
    Training,
    WindowSettings,
    write_bundle,
)
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.records import CATEGORIES, Category
from tests.detector.bundle.samples import _message, _value

LENGTH = 32
CONDITIONS = {
    "many_ports": ("ports_so_far", 1.0, 14.0),
    "tcp": ("tcp", 2.0, 0.5),
    "main_peer": ("peer_share", 10.0, 0.4),
    "many_peers": ("peers_so_far", 1.0, 14.0),
    "as_target": ("as_target", 2.0, 0.5),
    "unanswered": ("unanswered_share", 10.0, 0.6),
    "busy": ("recent_flows", 0.1, 60.0),
    "few_peers": ("peers_so_far", -1.0, 5.0),
}
"""Each is 1 where `slope * (feature - threshold)` is 1 or more, 0 where that is negative."""

RULES = {
    Category.RECON: (20.0, ("many_ports", "tcp", "main_peer")),
    Category.DDOS: (10.0, ("many_peers", "as_target", "unanswered")),
    Category.DOS: (10.0, ("few_peers", "unanswered", "busy")),
}
"""A category's weight, and the conditions that must all hold for it."""


def write(path: Path, **changes: Any) -> Path:
    """Write the bundle into a directory that does not exist yet; `changes` are to its manifest."""
    write_bundle(path, manifest().model_copy(update=changes), onnx=graph(), check=_check(), card="# Rules\n")
    return path


def manifest() -> Manifest:
    return Manifest(
        name="rules",
        categories=tuple(map(str, CATEGORIES)),
        features=Schema(names=SCHEMA.names, units=SCHEMA.units, digest=SCHEMA.digest),
        meter=MeterSettings(),
        window=WindowSettings(length_flows=LENGTH),
        nfstream=ENGINE_VERSION,
        temperature=1.0,
        thresholds=Thresholds(benign=0.5, recon=0.6, dos=0.6, ddos=0.6),
        created_from=Training(command="none: written by hand", seeds=(), versions={}, origins=()),
    )


def _layers() -> tuple[NDArray[np.float32], ...]:
    """Return two layers' weights and biases: features to conditions, conditions to logits."""
    conditions = np.zeros((len(SCHEMA), len(CONDITIONS)), np.float32)
    offsets = np.zeros(len(CONDITIONS), np.float32)
    for column, (feature, slope, threshold) in enumerate(CONDITIONS.values()):
        conditions[SCHEMA.index(feature), column] = slope
        offsets[column] = -slope * threshold
    logits = np.zeros((len(CONDITIONS), len(CATEGORIES)), np.float32)
    biases = np.zeros(len(CATEGORIES), np.float32)
    for category, (weight, needed) in RULES.items():
        column = CATEGORIES.index(category)
        logits[[list(CONDITIONS).index(name) for name in needed], column] = weight
        biases[column] = -weight * (len(needed) - 0.5)
    return conditions, offsets, logits, biases


def probabilities(sequences: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what `graph()` computes."""
    conditions, offsets, logits, biases = _layers()
    held = np.clip(sequences[:, -1] @ conditions + offsets, 0, 1)
    powers = np.exp(held @ logits + biases)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _check() -> Check:
    sequences = np.random.default_rng(1).uniform(0, 32, (8, LENGTH, len(SCHEMA))).astype(np.float32)
    return Check(sequences, probabilities(sequences))


def graph() -> bytes:
    """Return the rules as an ONNX model. The field numbers are onnx.proto's."""
    axis = (5, _message((1, "axis"), (3, 1), (20, 2)))
    steps = [
        _node("Gather", "row", "sequences", "last", extra=[axis]),
        _node("MatMul", "scaled", "row", "conditions"),
        _node("Add", "shifted", "scaled", "offsets"),
        _node("Clip", "held", "shifted", "zero", "one"),
        _node("MatMul", "weighed", "held", "logits"),
        _node("Add", "sums", "weighed", "biases"),
        _node("Softmax", "probabilities", "sums"),
    ]
    names = ("conditions", "offsets", "logits", "biases")
    constants: dict[str, NDArray[Any]] = dict(zip(names, _layers(), strict=True))
    limits = {"zero": np.array(0, np.float32), "one": np.array(1, np.float32), "last": np.array(LENGTH - 1)}
    body = _message(
        *((1, step) for step in steps),
        (2, "rules"),
        *((5, _constant(name, value)) for name, value in (constants | limits).items()),
        (11, _value("sequences", "batch", LENGTH, len(SCHEMA))),
        (12, _value("probabilities", "batch", len(CATEGORIES))),
    )
    return _message((1, 7), (7, body), (8, _message((1, ""), (2, 13))))


def _node(kind: str, output: str, *inputs: str, extra: list[tuple[int, bytes]] | None = None) -> bytes:
    return _message(*((1, name) for name in inputs), (2, output), (4, kind), *(extra or []))


def _constant(name: str, value: NDArray[Any]) -> bytes:
    kind = 7 if value.dtype == np.int64 else 1
    return _message(*((1, size) for size in value.shape), (2, kind), (8, name), (9, value.tobytes()))
