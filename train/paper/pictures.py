"""The report's pictures, as SVG text to stand in a page."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from train.paper.results import Result
from train.paper.settings import PUBLISHED

_SETTINGS: dict[Any, Any] = {"svg.hashsalt": "iotids", "font.size": 9}
"""The same figures give the same bytes."""

_FEW_CLASSES = 6


def accuracies(results: Sequence[Result]) -> str:
    """Return bars of each model's accuracy, beside the paper's own."""
    figure, axes = _figure(6, 2.6)
    places = np.arange(len(results))
    ours = [result.scores.accuracy for result in results]
    axes.bar_label(axes.bar(places - 0.2, ours, 0.4, label="here"), fmt="%.3f")
    published = [PUBLISHED.get(result.model, {}).get("accuracy", np.nan) for result in results]
    told = [place for place, value in zip(places, published, strict=True) if not np.isnan(value)]
    bars = axes.bar(np.array(told) + 0.2, [published[place] for place in told], 0.4, label="the paper")
    axes.bar_label(bars, fmt="%.2f")
    axes.set_xticks(places, [result.model for result in results])
    axes.set_ylim(0, 1.15)
    axes.set_ylabel("accuracy")
    axes.legend(loc="lower right")
    return _svg(figure)


def confusion(result: Result) -> str:
    """Return a model's confusion matrix: shares of each true class."""
    classes = result.scores.classes
    counts = np.array(result.scores.confusion, float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2 + 0.45 * len(classes)
    figure, axes = _figure(side, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(classes)), classes, rotation=90)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("told")
    axes.set_ylabel("true")
    if len(classes) <= _FEW_CLASSES:
        for (true, told), share in np.ndenumerate(shares):
            colour = "white" if share > 0.5 else "black"  # noqa: PLR2004 - half way between the two
            axes.text(told, true, f"{share:.1%}", ha="center", va="center", color=colour, fontsize=7)
    axes.set_title(result.model)
    return _svg(figure)


def curves(results: Sequence[Result]) -> str:
    """Return accuracy and loss by epoch, in training and validation."""
    figure, (left, right) = _figure(8, 2.8, columns=2)
    for result in results:
        if result.epochs is None:
            continue
        numbers = range(1, 1 + len(result.epochs))
        for axes, figures in ((left, "accuracy"), (right, "loss")):
            line = axes.plot(
                numbers, getattr(result.epochs, figures), "--", label=f"{result.model}, training"
            )
            held = getattr(result.epochs, f"val_{figures}")
            axes.plot(numbers, held, color=line[0].get_color(), label=f"{result.model}, validation")
            axes.set_xlabel("epoch")
            axes.set_ylabel(figures)
            axes.xaxis.get_major_locator().set_params(integer=True)
    left.legend(fontsize=7)
    return _svg(figure)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure that no window system knows of."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, columns)


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    with mpl.rc_context(_SETTINGS):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
