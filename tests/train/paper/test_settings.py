import re

import pytest

from detector.errors import UsageError
from train.paper.settings import FAST, PAPER, Pace, chosen, paced


def test_the_default_is_the_paper() -> None:
    assert paced(fast=False, epochs=None, batch=None) == PAPER == Pace(epochs=10, batch=32)
    assert (chosen().classes, chosen().split, chosen().rows) == (4, "random", None)


def test_what_is_given_stands_over_fast() -> None:
    assert paced(fast=True, epochs=1, batch=None) == Pace(epochs=1, batch=FAST.batch)


def test_the_questions_have_a_pace_of_their_own() -> None:
    assert chosen(questions="fast").questions_pace == FAST
    assert chosen(questions="same").questions_pace == PAPER
    assert chosen(questions="none").questions_pace is None


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"classes": 5}, "--classes 5: it should be 2, 4, 6 or 19"),
        ({"split": "half"}, "--split half: it should be 'random' or 'folders'"),
        ({"questions": "all"}, "--questions all: it should be 'fast', 'same' or 'none'"),
    ],
)
def test_what_there_is_not_is_named(option: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)):
        chosen(**option)
