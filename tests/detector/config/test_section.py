"""What every section of the configuration keeps to."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from detector.config.section import Contradiction, Section, together


class Pair(Section):
    """Two options that are of no use alone."""

    name: str | None = None
    secret: str | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        yield from together(self, "name", "secret")


@pytest.mark.parametrize("values", [{}, {"name": "a", "secret": "b"}])
def test_both_or_none(values: dict[str, str]) -> None:
    assert Pair(**values).model_dump(exclude_none=True) == values


@pytest.mark.parametrize(("given", "missing"), [("name", "secret"), ("secret", "name")])
def test_one_without_the_other(given: str, missing: str) -> None:
    with pytest.raises(ValidationError, match=f"got no {missing} with it, .* set {missing} too"):
        Pair(**{given: "a"})


def test_unknown_keys_and_other_types_are_refused() -> None:
    for values in ({"nme": "a"}, {"name": 1, "secret": "b"}):
        with pytest.raises(ValidationError):
            Pair.model_validate(values)
