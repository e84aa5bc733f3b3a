"""A small bundle for tests: a linear model, written as protobuf by hand so that no exporter is needed."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detector.bundle import (
    Check,
    Manifest,
    MeterSettings,
    ModelBundle,
    Schema,
    Thresholds,
    Training,
    WindowSettings,
    load_bundle,
    write_bundle,
)
from detector.records import CATEGORIES

LENGTH, FEATURES = 3, 5
SCHEMA_DIGEST = f"sha256:{'a' * 64}"
NFSTREAM = "6.6.0"
WEIGHTS = np.random.default_rng(0).normal(size=(LENGTH * FEATURES, 4)).astype("<f4")


def manifest() -> Manifest:
    names = ("mask", *(f"feature_{n}" for n in range(1, FEATURES)))
    return Manifest(
        name="sample",
        categories=tuple(map(str, CATEGORIES)),
        features=Schema(names=names, units=("flag",) * FEATURES, digest=SCHEMA_DIGEST),
        meter=MeterSettings(),
        window=WindowSettings(length_flows=LENGTH),
        nfstream=NFSTREAM,
        temperature=1.5,
        thresholds=Thresholds(benign=0.5, recon=0.6, dos=0.7, ddos=0.8),
        created_from=Training(command="iotids-train fit", seeds=(0,), versions={}, origins=()),
        figures={"CNN-LSTM": {"macro_f1": 0.5}},
    )


def check() -> Check:
    sequences = np.random.default_rng(1).normal(size=(4, LENGTH, FEATURES)).astype(np.float32)
    return Check(sequences, linear(sequences))


def linear(sequences: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what `graph()` computes."""
    powers = np.exp(sequences.reshape(len(sequences), -1) @ WEIGHTS)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def write(path: Path, *, onnx: bytes | None = None) -> str:
    return write_bundle(
        path, manifest(), onnx=graph() if onnx is None else onnx, check=check(), card="# Card\n"
    )


def load(path: Path) -> ModelBundle:
    return load_bundle(path, schema_digest=SCHEMA_DIGEST, nfstream_version=NFSTREAM)


def graph(
    *, domain: str = "", outputs: int = 4, batch: int | str = "batch", external: str | None = None
) -> bytes:
    """Return an ONNX model: softmax(flatten(sequences) @ WEIGHTS). The field numbers are onnx.proto's."""
    weights = [*((1, size) for size in WEIGHTS.shape), (2, 1), (8, "weights")]
    if external is None:
        weights.append((9, WEIGHTS.tobytes()))
    else:
        weights += [(13, _message((1, "location"), (2, external))), (14, 1)]
    nodes = [
        _message((1, "sequences"), (2, "flat"), (4, "Flatten")),
        _message((1, "flat"), (1, "weights"), (2, "logits"), (4, "MatMul")),
        _message((1, "logits"), (2, "probabilities"), (4, "Softmax"), (7, domain)),
    ]
    body = _message(
        *((1, node) for node in nodes),
        (2, "linear"),
        (5, _message(*weights)),
        (11, _value("sequences", batch, LENGTH, FEATURES)),
        (12, _value("probabilities", batch, outputs)),
    )
    opsets = [(8, _message((1, name), (2, 13 if not name else 1))) for name in {"", domain}]
    return _message((1, 7), (7, body), *opsets)


def _value(name: str, *shape: int | str) -> bytes:
    sizes = (_message((1, size) if isinstance(size, int) else (2, size)) for size in shape)
    tensor = _message((1, 1), (2, _message(*((1, size) for size in sizes))))
    return _message((1, name), (2, _message((1, tensor))))


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """Encode protobuf fields: integers as varints, all else with its length."""
    encoded = b""
    for number, value in fields:
        if isinstance(value, int):
            encoded += _varint(number << 3) + _varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            encoded += _varint(number << 3 | 2) + _varint(len(content)) + content
    return encoded


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
