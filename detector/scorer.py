"""The model at work: sequences in, calibrated probabilities out.

Normalisation and temperature are inside the graph, so no caller can scale twice or with other
statistics. ONNX Runtime scores a window in a tenth of a millisecond where Keras takes one, and
without TensorFlow; Keras stays as the reference that a test holds it to.
"""

import os
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from detector.bundle import ModelBundle
from detector.errors import BundleError
from detector.records import Features

CHECK_TOLERANCE = 1e-4
"""How far the stored test vector may be off; processors and runtimes differ by about 1e-6."""

_MAX_BATCH = 64
"""Windows scored in one call: the fewest that are as quick as more of them (38 us each; alone, 77)."""


class Scorer(Protocol):
    """What the pipeline needs of a model."""

    def score(self, sequences: Features) -> NDArray[np.float32]:
        """Return the class probabilities of each sequence.

        Takes (m, T, F) float32, unscaled, oldest flow first, left padding marked by the feature
        `mask`. Gives (m, C) float32, rows summing to 1, columns in the order of `CATEGORIES`. A pure
        function: no sequence's row depends on the others or on earlier calls.

        Raises:
            BundleError: T or F is not the model's.
        """
        ...


class OnnxScorer:
    """Scores with ONNX Runtime on one thread; proves at construction that it gives what training gave.

    Raises:
        BundleError: the graph cannot be opened, takes or gives other shapes, or misses the test vector.
    """

    def __init__(self, bundle: ModelBundle) -> None:
        self._shape = bundle.sequence_shape
        self._categories = len(bundle.categories)
        self._session = _open_session(bundle.onnx)
        self._input = self._check_graph()
        self._check_vector(bundle)

    def score(self, sequences: Features) -> NDArray[np.float32]:
        _check_shape(sequences, self._shape)
        scored = np.empty((len(sequences), self._categories), np.float32)
        for start in range(0, len(sequences), _MAX_BATCH):
            part = slice(start, start + _MAX_BATCH)
            scored[part] = self._session.run(None, {self._input: np.ascontiguousarray(sequences[part])})[0]
        return scored

    def _check_graph(self) -> str:
        """Return the input's name."""
        ends = [*self._session.get_inputs(), *self._session.get_outputs()]
        received = [(end.type, *tuple(end.shape or ())[1:]) for end in ends]
        expected = [("tensor(float)", *self._shape), ("tensor(float)", self._categories)]
        if received != expected or any(isinstance(end.shape[0], int) for end in ends):
            raise BundleError(
                f"model.onnx: takes and gives {received!a:.300}, expected {expected} for any number of rows; "
                "export the bundle again"
            )
        return str(ends[0].name)

    def _check_vector(self, bundle: ModelBundle) -> None:
        try:
            scored = self.score(bundle.check.sequences)
        except _runtime_errors() as error:
            raise BundleError(f"model.onnx: fails on its test vector ({_brief(error)})") from error
        off = float(np.abs(scored - bundle.check.probabilities).max())
        if not off <= CHECK_TOLERANCE:
            raise BundleError(
                f"model.onnx: is off by {off:.2g} on its test vector, at most {CHECK_TOLERANCE} is allowed; "
                "export the bundle again with the ONNX Runtime in use here"
            )


class KerasScorer:
    """The reference: the trained Keras model itself, which must give calibrated probabilities."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._shape = tuple(model.input_shape[1:])

    @classmethod
    def load(cls, path: Path) -> Self:
        """Open a `.keras` file; Keras' safe mode refuses code in it."""
        import keras  # noqa: PLC0415 - TensorFlow takes seconds and belongs to training

        return cls(keras.models.load_model(path, compile=False, safe_mode=True))

    def score(self, sequences: Features) -> NDArray[np.float32]:
        _check_shape(sequences, self._shape)
        if not len(sequences):
            return np.empty((0, self._model.output_shape[-1]), np.float32)
        return np.asarray(self._model.predict(sequences, batch_size=_MAX_BATCH, verbose=0), np.float32)


def _open_session(onnx: bytes) -> Any:
    """Parse the graph with every way out of it closed."""
    # Its telemetry starts with the import, leaves an identifier in the user's home and would send over the
    # network; `disable_telemetry_events` comes too late for that.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415 - 60 ms that `--help` need not pay

    if b"location" in onnx:
        # The key under which a tensor points to another file; ONNX Runtime would follow it.
        raise BundleError(
            "model.onnx: refers to data outside itself, expected all weights inside; export it again"
        )
    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except _runtime_errors() as error:
        raise BundleError(
            f"model.onnx: ONNX Runtime {onnxruntime.__version__} refuses it ({_brief(error)}); "
            "expected a graph of standard operators, export the bundle again"
        ) from error


def _runtime_errors() -> tuple[type[Exception], ...]:
    """ONNX Runtime's errors, which share no base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415 - see `_open_session`

    found = (getattr(state, name) for name in dir(state))
    own = [each for each in found if isinstance(each, type) and issubclass(each, Exception)]
    return (*own, RuntimeError, ValueError)


def _brief(error: Exception) -> str:
    return ascii(str(error))[1:240]


def _check_shape(sequences: Features, shape: tuple[int, ...]) -> None:
    if sequences.shape[1:] != shape or sequences.dtype != np.float32:
        raise BundleError(
            f"cannot score {sequences.shape} {sequences.dtype}, the model takes {(None, *shape)} float32; "
            "use the bundle's own window length and feature schema"
        )
