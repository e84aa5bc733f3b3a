"""Figures as lines of text."""

from collections.abc import Iterator

from detector.records import CATEGORIES
from train.evaluate import CaptureOutcome, Figures


def lines(
    figures: dict[str, Figures], origins: dict[str, Figures], captures: list[CaptureOutcome]
) -> Iterator[str]:
    """Tell the models' figures side by side, the network's by origin, and the captures it got wrong."""
    measures = list(dict.fromkeys(measure for measured in figures.values() for measure in measured))
    yield _row("", *figures)
    for measure in measures:
        yield _row(measure, *(_number(measured.get(measure)) for measured in figures.values()))
    yield ""
    for origin, measured in sorted(origins.items()):
        told = ", ".join(f"{measure} {value:.4g}" for measure, value in measured.items())
        yield f"{origin}: {told}"
    yield ""
    for category in CATEGORIES:
        wrong = [outcome for outcome in captures if outcome.category == category and not outcome.right]
        yield from (f"{category} missed: {_outcome(outcome)}" for outcome in wrong)


def _outcome(outcome: CaptureOutcome) -> str:
    opened = ", ".join(outcome.opened) or "nothing"
    return f"{outcome.capture} opened {opened}, uncertain {', '.join(outcome.uncertain) or 'nothing'}"


def _row(*cells: str) -> str:
    return "  ".join(f"{cell:<20}" for cell in cells).rstrip()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
