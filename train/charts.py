"""The report's pictures, as SVG text that stands in an HTML page."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np

from detector.records import CATEGORIES, Category
from train.curves import LADDERS, Curve
from train.measures import Bin
from train.outcomes import CurvePoint

mpl.use("svg")
from matplotlib import pyplot as plt

_BLUE, _RED, _GREY = "#1f618d", "#c0392b", "#909090"
_BY_CLASS = {
    Category.RECON: (_BLUE, "o"),
    Category.DOS: (_RED, "s"),
    Category.DDOS: ("#b7950b", "^"),
}
_SLOW_SECS = 10.0
"""Openings later than this stand in the last bar."""


def confusion(counts: Sequence[Sequence[int]]) -> str:
    """Draw windows by true class (rows) and named class, shaded by their share of the row."""
    numbers = np.array(counts, float)
    shares = numbers / np.maximum(numbers.sum(axis=1, keepdims=True), 1.0)
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{share:.1%}\n{int(numbers[row, column])}"
        colour = "white" if share > 0.5 else "black"  # noqa: PLR2004 - where dark begins
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(CATEGORIES)), CATEGORIES)
    axes.set_yticks(range(len(CATEGORIES)), CATEGORIES)
    axes.set_xlabel("named")
    axes.set_ylabel("true")
    return _svg(figure)


def reliability(bins: Sequence[Bin]) -> str:
    """Draw how often the likeliest class was right against how probable it was."""
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="as good as its word")
    most = max((each.windows for each in bins), default=1)
    axes.plot([each.confidence for each in bins], [each.right for each in bins], color=_BLUE)
    axes.scatter(
        [each.confidence for each in bins],
        [each.right for each in bins],
        s=[20 + 180 * each.windows / most for each in bins],
        color=_BLUE,
        label="windows (area: how many)",
    )
    axes.set_xlabel("probability of the likeliest class")
    axes.set_ylabel("how often it was right")
    axes.legend(frameon=False, loc="upper left")
    return _svg(figure)


def recon_curve(points: Sequence[CurvePoint]) -> str:
    """Draw what each threshold of Recon finds, and what it costs on benign traffic."""
    figure, (windows, captures) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    at = [point.threshold for point in points]
    for axes, unit, found, false in (
        (windows, "windows", "recon_windows", "benign_windows"),
        (captures, "captures", "recon_captures", "benign_captures"),
    ):
        axes.plot(
            at, [100 * getattr(point, found) for point in points], color=_BLUE, marker="o", markersize=4
        )
        axes.set_ylabel(f"% of Recon {unit} found", color=_BLUE)
        axes.set_ylim(0, 102)
        axes.set_xlabel("threshold of Recon")
        cost = axes.twinx()
        cost.plot(at, [100 * getattr(point, false) for point in points], color=_RED, marker="s", markersize=4)
        cost.set_ylabel(f"% of benign {unit} called Recon", color=_RED)
        cost.set_ylim(bottom=0)
    return _svg(figure)


def latencies(milliseconds: Sequence[int]) -> str:
    """Draw how many incidents opened how soon."""
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    seconds = np.minimum(np.array(milliseconds) / 1000.0, _SLOW_SECS)
    axes.hist(seconds, bins=np.arange(0.0, _SLOW_SECS + 0.51, 0.5).tolist(), color=_BLUE)
    axes.set_xlabel(f"seconds to the right incident ({_SLOW_SECS:g}: later)")
    axes.set_ylabel("attack captures")
    return _svg(figure)


def evasion(curves: Sequence[Curve]) -> str:
    """Draw what one evasion does to each class: how often an incident still opens, and how soon."""
    ladder = LADDERS[curves[0].evasion]
    figure, (share, seconds) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for curve in curves:
        colour, marker = _BY_CLASS[Category(curve.category)]
        label = f"{curve.category} ({curve.points[0].captures} captures)"
        at = [point.strength for point in curve.points]
        late = [
            np.nan if point.latency_median_secs is None else point.latency_median_secs
            for point in curve.points
        ]
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "label": label}
        share.plot(at, [100 * point.right for point in curve.points], **style)
        seconds.plot(at, late, **style)
    for axes in (share, seconds):
        axes.set_xlabel(f"{ladder.axis} ({ladder.as_is:g}: as captured)")
        if ladder.as_is:  # a factor
            axes.set_xscale("log", base=2)
            axes.set_xticks(sorted({point.strength for curve in curves for point in curve.points}))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
    share.set_ylabel("% of captures in which the class opens")
    share.set_ylim(0, 102)
    share.legend(frameon=False, fontsize=8)
    seconds.set_xlim(share.get_xlim())
    seconds.set_ylabel("median seconds to the incident")
    seconds.set_ylim(bottom=0)
    return _svg(figure)


def _svg(figure: Any) -> str:
    """Return a figure as an `svg` element; the same numbers give the same text."""
    for axes in figure.axes:
        axes.spines["top"].set_visible(False)
    written = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "iotids", "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = written.getvalue()
    return text[text.index("<svg") :]
