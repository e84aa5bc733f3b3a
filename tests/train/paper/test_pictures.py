import xml.etree.ElementTree as ET

import pytest

pytest.importorskip("tensorflow")

from tests.train.paper import samples
from train.paper.pictures import accuracies, confusion, curves
from train.paper.results import Result
from train.paper.scores import score
from train.paper.settings import FAST
from train.paper.training import Epochs


def result(model: str) -> Result:
    classes = samples.rows(50).classes
    epochs = Epochs(
        loss=(2.0, 1.0),
        accuracy=(0.4, 0.6),
        val_loss=(2.0, 1.5),
        val_accuracy=(0.3, 0.5),
        seconds=(1, 1),
    )
    return Result(
        model=model,
        variant="as published",
        train_rows=100,
        test_rows=50,
        scores=score(samples.CLASSES, classes, classes),
        pace=FAST,
        epochs=epochs if model == "cnn" else None,
        parameters=None,
        seconds=2.0,
    )


def drawn(svg: str) -> str:
    """Return what a picture says: SVG keeps each text as a comment."""
    ET.fromstring(svg)  # noqa: S314 - our own
    return svg


def test_accuracy_stands_beside_the_papers() -> None:
    svg = drawn(accuracies([result("cnn"), result("LightGBM")]))
    for text in ("1.000", "0.94", "LightGBM", "the paper"):
        assert f"<!-- {text} -->" in svg


def test_the_matrix_has_shares_of_each_class() -> None:
    svg = drawn(confusion(result("cnn")))
    assert svg.count("<!-- 100.0% -->") == 4
    assert svg.count("<!-- 0.0% -->") == 12


def test_curves_are_those_of_networks_alone() -> None:
    svg = drawn(curves([result("cnn"), result("LightGBM")]))
    assert "<!-- cnn, validation -->" in svg
    assert "LightGBM" not in svg


def test_the_same_figures_give_the_same_picture() -> None:
    assert confusion(result("cnn")) == confusion(result("cnn"))
