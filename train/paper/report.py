"""The report: one HTML page that needs nothing else, and the same as JSON."""

import base64
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from detector.bundle import Part
from train.files import write_whole
from train.paper import pictures
from train.paper.columns import COLUMNS
from train.paper.duplicates import Across, Duplicates
from train.paper.files import PAGE
from train.paper.giveaways import GiveAway
from train.paper.results import Result
from train.paper.saved import OneSample
from train.paper.scores import FIGURES, Scores
from train.paper.settings import NETWORKS, PAPER, PUBLISHED, Settings
from train.paper.store import FileRows
from train.paper.variants import PUBLISHED as AS_PUBLISHED

HTML, JSON = "report.html", "report.json"


class Questions(Part):
    """What speaks for and against the table."""

    duplicates: Duplicates
    across: dict[Literal["random", "folders"], Across]
    clock: GiveAway
    window: GiveAway
    majority: Scores
    """Every row told to be of the training rows' largest class."""
    attack_share: float
    """Of the test rows: what "always attack" has right where two classes are asked for."""
    table: list[Result]
    """Every model on every variant, the published one first, all networks at one pace."""


class Report(Part):
    """`report.json`."""

    format: Literal[1] = 1
    settings: Settings
    versions: dict[str, str]
    files: list[FileRows]
    rows: int
    """Read."""
    left_out: dict[str, int]
    """Rows of labels that are in no class."""
    not_drawn: int
    """Rows beyond `--rows`."""
    train_rows: int
    validate_rows: int
    test_rows: int
    results: list[Result]
    """The two networks and the two tree ensembles."""
    sample: OneSample
    questions: Questions | None

    @property
    def networks(self) -> list[Result]:
        """Return the results of the paper's networks."""
        return [result for result in self.results if result.model in NETWORKS]

    @property
    def missing(self) -> dict[str, int]:
        """Return how many values were missing, by column."""
        return _summed([file.missing for file in self.files])

    @property
    def infinite(self) -> dict[str, int]:
        """Return how many values were infinite, by column."""
        return _summed([file.infinite for file in self.files])


def write(report: Report, directory: Path) -> None:
    """Write both files, each whole."""
    write_whole(directory / JSON, (report.model_dump_json(indent=1) + "\n").encode())
    write_whole(directory / HTML, page(report).encode())


def page(report: Report) -> str:
    """Return the HTML page."""
    environment = Environment(
        loader=PackageLoader("train.paper", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": "{:,}".format, "share": "{:.2%}".format, "number": "{:,.4g}".format}
    return environment.get_template("report.html.j2").render(
        report=report,
        as_published=AS_PUBLISHED.title,
        figures=FIGURES,
        page=PAGE,
        paper_pace=PAPER,
        published=PUBLISHED,
        accuracies=_image(pictures.accuracies(report.results), "accuracy by model"),
        curves=_image(pictures.curves(report.networks), "accuracy and loss by epoch"),
        matrices=[
            _image(pictures.confusion(result), f"confusion matrix of {result.model}")
            for result in report.networks
        ],
    )


def _image(svg: str, title: str) -> Markup:
    packed = base64.b64encode(svg.encode()).decode()
    return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(title, packed)


def _summed(counts: list[dict[str, int]]) -> dict[str, int]:
    sums = {column: sum(counted.get(column, 0) for counted in counts) for column in COLUMNS}
    return {column: count for column, count in sums.items() if count}
