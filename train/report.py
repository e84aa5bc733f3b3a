"""An evaluation for people: lines on the terminal, and one HTML page for who decides whether to deploy."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import TypeAdapter

from detector.records import CATEGORIES, Category
from train import charts
from train.curves import LADDERS, Curve
from train.evaluate import Evaluation
from train.measures import BINS, Figures
from train.outcomes import FEW_FLOWS, OTHER, CaptureOutcome

_JSON = TypeAdapter(Evaluation)


def lines(
    figures: dict[str, Figures], origins: dict[str, Figures], captures: list[CaptureOutcome]
) -> Iterator[str]:
    """Tell the models' figures side by side, the network's by origin, and the captures it got wrong."""
    measures = _measures(figures)
    yield _row("", *figures)
    for measure in measures:
        yield _row(measure, *(_number(measured.get(measure)) for measured in figures.values()))
    yield ""
    for origin, measured in sorted(origins.items()):
        told = ", ".join(f"{measure} {value:.4g}" for measure, value in measured.items())
        yield f"{origin}: {told}"
    yield ""
    for wrong in wrong_captures(captures):
        yield f"{wrong.category} missed: {wrong.capture} {wrong.became}"


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write the page, and beside it the same as `.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_bytes(_JSON.dump_json(evaluation, indent=1) + b"\n")
    path.write_text(render(evaluation))


def render(evaluation: Evaluation) -> str:
    """Return the page: one file, pictures included, nothing to be fetched."""
    page = Environment(
        loader=PackageLoader("train", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    ).get_template("report.html.j2")
    latencies = [one.latency_ms for one in evaluation.captures if one.latency_ms is not None]
    return page.render(
        evaluation=evaluation,
        network=next(iter(evaluation.figures)),
        headline=list(headline(evaluation)),
        measures=_measures(evaluation.figures),
        number=_number,
        percent=lambda value: f"{100 * value:.1f} %",
        wrong=wrong_captures(evaluation.captures),
        others=[_told([one]) for one in evaluation.captures if one.category == OTHER and one.opened],
        bins=BINS,
        few=FEW_FLOWS,
        categories=CATEGORIES,
        confusion=Markup(charts.confusion(evaluation.confusion)),  # noqa: S704 - drawn from numbers
        reliability=Markup(charts.reliability(evaluation.reliability)),  # noqa: S704 - as above
        curve=Markup(charts.recon_curve(evaluation.curve)),  # noqa: S704 - as above
        latency=Markup(charts.latencies(latencies)),  # noqa: S704 - as above
        evasion_rows=_evasion_rows,
        evasions=[
            (ladder, Markup(charts.evasion(curves)), curves)  # noqa: S704 - as above
            for name, ladder in LADDERS.items()
            if (curves := [curve for curve in evaluation.evasion if curve.evasion == name])
        ],
    )


def _evasion_rows(curve: Curve) -> Iterator[tuple[str, list[str]]]:
    def shares(values: list[float | None]) -> list[str]:
        return ["" if value is None else f"{value:.0%}" for value in values]

    points = curve.points
    yield "opens", shares([point.right for point in points])
    yield "still opens", shares([point.still for point in points])
    yield "another class", shares([point.other for point in points])
    secs = [point.latency_median_secs for point in points]
    yield "median seconds", ["never" if each is None else f"{each:.1f}" for each in secs]


def headline(evaluation: Evaluation) -> Iterator[str]:
    """Say what matters most in whole sentences."""
    figures = next(iter(evaluation.figures.values()))
    attacks = [category for category in CATEGORIES if category != Category.BENIGN]
    told = [one for one in evaluation.captures if one.attack]
    rounds = max(len(evaluation.seeds), 1)
    if told:
        right = sum(one.right for one in told) / len(told)
        by_class = ", ".join(
            f"{category} {figures[f'right_{category}']:.0%}"
            for category in attacks
            if f"right_{category}" in figures
        )
        yield (
            f"It named the right attack in {right:.0%} of {len(told) // rounds} attack captures from "
            f"networks it had never seen ({by_class})."
        )
    if "latency_median_secs" in figures:
        yield (
            f"Where it did, the incident opened after {figures['latency_median_secs']:.1f} s in half of the "
            f"cases, and in 95 % of them within {figures['latency_p95_secs']:.1f} s."
        )
    if "right_Benign" in figures:
        yield (
            f"It raised a false incident in {1 - figures['right_Benign']:.1%} of "
            f"{figures['captures_Benign']:.0f} captures of ordinary traffic."
        )
    if "false_incidents_per_device_day" in figures:
        yield (
            f"That is {figures['false_incidents_per_device_day']:.2g} false incidents a device and day, "
            f"over {figures['benign_device_days']:.1f} device-days."
        )
    if "captures_other" in figures:
        yield (
            f"Of {figures['captures_other']:.0f} captures of attacks that it does not know (brute force, "
            f"command and control ...), it called {1 - figures['other_silent']:.0%} an attack that it knows."
        )
    yield from _rivals(evaluation)


def _rivals(evaluation: Evaluation) -> Iterator[str]:
    (name, own), *others = evaluation.figures.items()
    # The network that is shown less than there is, is no rival.
    others = [each for each in others if not each[0].startswith(f"{evaluation.network}, ")]
    better = [rival for rival, measured in others if measured["macro_f1"] > own["macro_f1"]]
    if better:
        yield f"By macro-F1 of windows, {' and '.join(better)} did better than {name}."
    elif others:
        rivals = ", ".join(rival for rival, _ in others)
        yield f"By macro-F1 of windows, none of {rivals} did better than {name}."


@dataclass(frozen=True, slots=True)
class Wrong:
    """A capture that went wrong, in how many of the seeds, and what became of it."""

    capture: str
    origin: str
    category: str
    times: int
    seeds: int
    became: str


def wrong_captures(captures: list[CaptureOutcome]) -> list[Wrong]:
    """Return the captures of the four classes that some seed got wrong, by class."""
    by_capture: dict[str, list[CaptureOutcome]] = defaultdict(list)
    for one in captures:
        if one.category in set(CATEGORIES):
            by_capture[one.capture].append(one)
    wrong = [_told(told) for told in by_capture.values() if not all(one.right for one in told)]
    order = list(map(str, CATEGORIES))
    return sorted(wrong, key=lambda one: (order.index(one.category), one.capture))


def _told(outcomes: list[CaptureOutcome]) -> Wrong:
    wrong = [one for one in outcomes if not one.right]
    became = dict.fromkeys(_outcome(one) for one in wrong)
    first = outcomes[0]
    return Wrong(first.capture, first.origin, first.category, len(wrong), len(outcomes), "; or ".join(became))


def _outcome(outcome: CaptureOutcome) -> str:
    opened = ", ".join(outcome.opened) or "nothing"
    return f"opened {opened}, uncertain {', '.join(outcome.uncertain) or 'nothing'}"


def _measures(figures: dict[str, Figures]) -> list[str]:
    return list(dict.fromkeys(measure for measured in figures.values() for measure in measured))


def _row(*cells: str) -> str:
    return "  ".join(f"{cell:<20}" for cell in cells).rstrip()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
