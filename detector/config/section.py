"""What a section of the configuration is: a frozen model, closed to unknown keys, free of contradictions."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from detector.config import values

FilePath = Annotated[str, AfterValidator(values.file_path)]
Contradiction = tuple[tuple[str, ...], str]
"""The options that contradict each other, and a sentence that says how."""


class ContradictionError(ValueError):
    """Values of one section, each allowed, that cannot hold together."""

    def __init__(self, found: tuple[Contradiction, ...]) -> None:
        """Keep what was found, so that each can be reported by itself."""
        super().__init__("; ".join(sentence for _, sentence in found))
        self.found = found


class Section(BaseModel):
    """A part of the configuration: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def contradictions(self) -> Iterator[Contradiction]:
        """Find what no single option can know of; called when every option by itself is good."""
        yield from ()

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if found := tuple(self.contradictions()):
            raise ContradictionError(found)
        return self


def together(section: Section, first: str, second: str) -> Iterator[Contradiction]:
    """Find one of two options without the other, where either is of no use alone."""
    missing = [name for name in (first, second) if getattr(section, name) is None]
    if len(missing) == 1:
        given = second if missing[0] == first else first
        how = f"got no {missing[0]} with it, allowed are both or none, set {missing[0]} too"
        yield (given, missing[0]), how
