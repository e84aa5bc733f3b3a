"""What the examination asks of anything that is played, whatever stage it is played on."""

from typing import Protocol

from detector.records import Category


class Scene(Protocol):
    """A scenario between two machines, or a visit to a house."""

    @property
    def name(self) -> str: ...

    @property
    def category(self) -> Category: ...

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """The words of every program that runs."""
