import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.bundle import Check, ModelBundle, write_bundle
from detector.errors import BundleError
from detector.scorer import CHECK_TOLERANCE, KerasScorer, OnnxScorer, Scorer
from tests.detector.bundle import samples


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    path = tmp_path_factory.mktemp("bundle") / "sample"
    samples.write(path)
    return samples.load(path)


def keras_scorer(path: Path) -> KerasScorer:
    keras: Any = pytest.importorskip("keras")
    ends = keras.layers.Input((samples.LENGTH, samples.FEATURES))
    dense = keras.layers.Dense(4, use_bias=False, activation="softmax")
    model = keras.Model(ends, dense(keras.layers.Flatten()(ends)))
    dense.set_weights([samples.WEIGHTS])
    model.save(path / "model.keras")
    return KerasScorer.load(path / "model.keras")


@pytest.fixture(scope="module", params=["onnx", pytest.param("keras", marks=pytest.mark.tensorflow)])
def scorer(
    request: pytest.FixtureRequest, bundle: ModelBundle, tmp_path_factory: pytest.TempPathFactory
) -> Scorer:
    return OnnxScorer(bundle) if request.param == "onnx" else keras_scorer(tmp_path_factory.mktemp("keras"))


def sequences(count: int) -> NDArray[np.float32]:
    shape = (count, samples.LENGTH, samples.FEATURES)
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def test_a_scorer_gives_the_models_probabilities(scorer: Scorer) -> None:
    scored = scorer.score(sequences(600))
    assert scored.dtype == np.float32
    assert np.allclose(scored, samples.linear(sequences(600)), atol=1e-6)
    assert np.allclose(scored.sum(axis=1), 1.0, atol=1e-6)


def test_no_sequence_gives_no_row(scorer: Scorer) -> None:
    assert scorer.score(sequences(0)).shape == (0, 4)


def test_the_grouping_into_batches_changes_nothing(scorer: Scorer) -> None:
    whole = scorer.score(sequences(20))
    parts = [scorer.score(part) for part in np.split(sequences(20), [1, 4, 11])]
    assert np.allclose(np.concatenate(parts), whole, atol=1e-6)


def test_a_scorer_does_not_touch_its_input(scorer: Scorer) -> None:
    given_ = sequences(3)
    scorer.score(given_)
    assert np.array_equal(given_, sequences(3))


@pytest.mark.parametrize(
    "change", [lambda x: x[:, 1:], lambda x: x[:, :, 1:], lambda x: x[0], lambda x: x.astype(np.float64)]
)
def test_other_shapes_are_refused_naming_both(scorer: Scorer, change: Callable[[Any], Any]) -> None:
    with pytest.raises(BundleError, match=r"cannot score .* takes \(None, 3, 5\) float32"):
        scorer.score(change(sequences(2)))


@given(start=st.integers(0, 19), step=st.integers(1, 5))
def test_rows_are_independent_of_their_neighbours_and_of_memory_layout(
    bundle: ModelBundle, start: int, step: int
) -> None:
    scorer = OnnxScorer(bundle)
    assert np.allclose(scorer.score(sequences(20)[start::step]), scorer.score(sequences(20))[start::step])


def refusal(tmp_path: Path, onnx: bytes) -> str:
    samples.write(tmp_path / "bundle", onnx=onnx)
    with pytest.raises(BundleError) as caught:
        OnnxScorer(samples.load(tmp_path / "bundle"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("onnx", [b"", b"no protobuf", samples.graph()[:-40]])
def test_what_is_no_graph_is_refused(tmp_path: Path, onnx: bytes) -> None:
    assert "refuses it" in refusal(tmp_path, onnx)


def test_an_operator_of_a_foreign_domain_is_refused(tmp_path: Path) -> None:
    assert "com.example" in refusal(tmp_path, samples.graph(domain="com.example"))


def test_weights_outside_the_graph_are_refused(tmp_path: Path) -> None:
    assert "outside itself" in refusal(tmp_path, samples.graph(external="/dev/zero"))


@pytest.mark.parametrize("ends", [{"outputs": 5}, {"batch": 1}])
def test_a_graph_of_other_shapes_is_refused(tmp_path: Path, ends: dict[str, int]) -> None:
    message = refusal(tmp_path, samples.graph(**ends))  # type: ignore[arg-type] # keywords by name
    assert "model.onnx" in message


def test_a_graph_that_misses_its_test_vector_is_refused(tmp_path: Path) -> None:
    right = samples.check()
    off = Check(right.sequences, right.probabilities + np.float32(2 * CHECK_TOLERANCE))
    write_bundle(tmp_path / "bundle", samples.manifest(), onnx=samples.graph(), check=off, card="")
    with pytest.raises(BundleError, match=r"off by 0\.0002 on its test vector"):
        OnnxScorer(samples.load(tmp_path / "bundle"))


def test_it_leaves_nothing_behind_in_the_home(rule_bundle: Path, tmp_path: Path) -> None:
    """ONNX Runtime's telemetry would write an identifier, and a database of what to send."""
    code = (
        "import sys; from detector.config import Config; from detector.run import open_bundle; "
        "from detector.scorer import OnnxScorer; OnnxScorer(open_bundle(Config(bundle=sys.argv[1])))"
    )
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    words = [sys.executable, "-c", code, str(rule_bundle)]
    done = subprocess.run(words, capture_output=True, check=True, env=home, cwd=Path(__file__).parents[2])
    assert (list(tmp_path.iterdir()), done.stderr) == ([], b"")
