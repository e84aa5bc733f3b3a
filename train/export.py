"""From a trained Keras model to a bundle that the detector opens without TensorFlow."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx

from detector.bundle import Check, Manifest, ModelBundle, write_bundle
from detector.errors import BundleError
from detector.records import CATEGORIES
from detector.scorer import KerasScorer, OnnxScorer
from train.card import render
from train.record import Run

TOLERANCE = 1e-5
"""How far ONNX Runtime and Keras may differ in a probability."""

_CHECK_ROWS = 16


def export_bundle(
    path: Path, run: Run, model: Any, *, name: str, nfstream: str, figures: dict[str, dict[str, float]]
) -> str:
    """Write the bundle of a run and return its digest.

    Args:
        path: the directory to write; a bundle that is there is replaced.
        run: what made the model.
        model: the calibrated Keras model.
        name: the bundle's name.
        nfstream: the NFStream version that metered the flows.
        figures: measured on origins that the model never saw, for the card.

    Raises:
        BundleError: ONNX Runtime does not give what Keras gives; nothing is written.
    """
    manifest = Manifest(
        name=name,
        categories=tuple(map(str, CATEGORIES)),
        features=run.features,
        meter=run.meter,
        window=run.window,
        nfstream=nfstream,
        temperature=run.temperature,
        thresholds=run.thresholds,
        created_from=run.training,
        figures=figures,
        record=run.record,
    )
    check = _check(model, run.features.names.index("mask"))
    bundle = ModelBundle(manifest, "", export_onnx(model), check, render(manifest, run.network))
    off = float(np.abs(OnnxScorer(bundle).score(check.sequences) - check.probabilities).max())
    if off > TOLERANCE:
        raise BundleError(
            f"the exported graph differs from Keras by {off:.2g}, at most {TOLERANCE} is allowed"
        )
    return write_bundle(path, manifest, onnx=bundle.onnx, check=check, card=bundle.card)


def export_onnx(model: Any) -> bytes:
    """Return the model as ONNX, with a free number of rows; the same weights give the same bytes."""
    signature = keras.InputSpec(shape=(None, *model.input_shape[1:]), dtype="float32", name="sequences")
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # Keras asks NumPy 2 for a name of NumPy 1 before it patches the converter.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        file = Path(scratch) / "model.onnx"
        model.export(file, format="onnx", verbose=False, input_signature=[signature])
        exported = onnx.load(file)
    _rename(exported.graph)
    onnx.checker.check_model(exported, full_check=True)
    return bytes(exported.SerializeToString(deterministic=True))


def _rename(graph: Any) -> None:
    """Order nodes and weights, and number all names, by use: the exporter's are another each time."""
    nodes = _by_use(graph)
    del graph.node[:]
    graph.node.extend(nodes)
    names = {graph.input[0].name: "sequences", graph.output[0].name: "probabilities"}
    for number, node in enumerate(graph.node):
        node.name = f"node_{number}"
        node.doc_string = ""
        for end in (node.input, node.output):
            end[:] = [names.setdefault(name, f"value_{len(names)}") if name else "" for name in end]
    for each in (*graph.initializer, *graph.input, *graph.output):
        each.name = names.setdefault(each.name, f"value_{len(names)}")
    ordered = sorted(graph.initializer, key=lambda weight: (len(weight.name), weight.name))
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(ordered)
    graph.name = "model"
    graph.doc_string = ""
    for end in (*graph.input, *graph.output):
        end.type.tensor_type.shape.dim[0].dim_param = "windows"


def _by_use(graph: Any) -> list[Any]:
    """Return the nodes, each after those that it needs, first that of its first input."""
    makers = {name: node for node in graph.node for name in node.output}
    ordered: list[Any] = []
    done: set[str] = set()
    waiting = [(end.name, False) for end in graph.output]
    while waiting:
        name, ready = waiting.pop()
        if ready:
            ordered.append(makers[name])
        elif name in makers and name not in done:
            done.update(makers[name].output)
            waiting.append((name, True))
            waiting += [(needed, False) for needed in reversed(makers[name].input)]
    return ordered


def _check(model: Any, mask: int) -> Check:
    """Make up windows around the training set's means, from empty to full; no captured traffic is in them."""
    mean, variance = (np.asarray(weight) for weight in model.get_layer("standardise").get_weights())
    random = np.random.default_rng(0)
    length = model.input_shape[1]
    spread = random.normal(size=(_CHECK_ROWS, length, len(mean))) * np.sqrt(variance)
    sequences = np.expm1(np.clip(mean + spread, 0.0, 25.0)).astype(np.float32)
    filled = np.linspace(0, length, _CHECK_ROWS).round().astype(int)
    present = np.arange(length) >= length - filled[:, None]
    sequences[:, :, mask] = 1.0
    sequences *= present[:, :, None]
    return Check(sequences, KerasScorer(model).score(sequences))
