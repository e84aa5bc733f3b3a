"""What a run does: the paper's settings, and what may differ from them."""

from typing import Any, Literal

from pydantic import ValidationError

from detector.bundle import Part
from detector.errors import UsageError

NETWORKS = ("cnn", "cnn-lstm")
TREES = ("random forest", "LightGBM")

PUBLISHED: dict[str, dict[str, float]] = {
    "cnn": {"accuracy": 0.94},
    "cnn-lstm": {"accuracy": 0.97, "precision": 0.97, "recall": 0.97, "f1": 0.96},
}
"""The paper's own figures, as far as it gives them; rounded there."""


class Pace(Part):
    """How long and in what steps a network learns."""

    epochs: int
    batch: int


PAPER = Pace(epochs=10, batch=32)
FAST = Pace(epochs=3, batch=1024)
"""A fraction of the time; what it costs in accuracy stands in the report, as the settings do."""


class Settings(Part):
    """What to read, how to deal it out, how to train."""

    classes: Literal[2, 4, 6, 19] = 4
    split: Literal["random", "folders"] = "random"
    """The paper's 80/20 of all rows, or the dataset's own train/ and test/."""
    pace: Pace = PAPER
    questions: Literal["fast", "same", "none"] = "fast"
    """The pace of the networks that the questions need: faster, as the others, or no questions."""
    rows: int | None = None
    """At most; drawn at random."""
    seed: int = 42
    """As in the published code."""
    forest_rows: int = 200_000
    """A random forest on millions of rows takes more memory than the rows."""

    @property
    def questions_pace(self) -> Pace | None:
        """Return how the questions' networks learn; None without questions."""
        return {"fast": FAST, "same": self.pace, "none": None}[self.questions]


def paced(*, fast: bool, epochs: int | None, batch: int | None) -> Pace:
    """Return the paper's pace, or the fast one, with what is given instead."""
    pace = FAST if fast else PAPER
    return Pace(epochs=epochs or pace.epochs, batch=batch or pace.batch)


def chosen(**options: Any) -> Settings:
    """Return settings from the command line's options.

    Raises:
        UsageError: one of them is none of those there are.
    """
    try:
        return Settings(**options)
    except ValidationError as error:
        told = error.errors(include_url=False)[0]
        raise UsageError(
            f"--{told['loc'][0]} {told['input']}: {told['msg'].replace('Input', 'it')}"
        ) from error
