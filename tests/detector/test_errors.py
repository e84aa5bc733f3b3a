"""The errors that end the program with one line."""

import re

import pytest

from detector import errors
from detector.errors import BundleError, CaptureError, ConfigError, IotidsError, UsageError


@pytest.mark.parametrize(
    ("error", "code"),
    [(IotidsError, 1), (UsageError, 2), (ConfigError, 2), (CaptureError, 3), (BundleError, 4)],
)
def test_every_error_has_its_exit_code(error: type[IotidsError], code: int) -> None:
    assert error.exit_code == code


@pytest.mark.parametrize("error", IotidsError.__subclasses__())
def test_one_clause_catches_them_all_with_their_message(error: type[IotidsError]) -> None:
    with pytest.raises(IotidsError) as caught:
        raise error("got 'x', expected 'y', write 'y'")
    assert str(caught.value) == "got 'x', expected 'y', write 'y'"


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"(\w+Error) +exit (\d)", errors.__doc__ or "")
    classes: list[type[IotidsError]] = [IotidsError, *IotidsError.__subclasses__()]
    assert drawn == [(error.__name__, str(error.exit_code)) for error in classes]


def test_defects_of_ours_are_not_among_them() -> None:
    """`cli.main` must not turn a defect into a polite line."""
    assert not any(issubclass(defect, IotidsError) for defect in (ValueError, OSError, KeyError))
