import re

import pytest

from detector.errors import UsageError
from train.paper.columns import COLUMNS, positions


def test_there_are_the_published_45() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 45
    assert (COLUMNS[0], COLUMNS[38], COLUMNS[44]) == ("Header_Length", "IAT", "Weight")


@pytest.mark.parametrize(
    "spelt",
    [str.upper, lambda name: name.replace("_", "-").replace(" ", "_"), lambda name: f" {name} "],
    ids=["case", "signs", "spaces"],
)
def test_spelling_does_not_matter(spelt: "type[str]") -> None:
    assert positions([spelt(name) for name in COLUMNS], where="x.csv") == tuple(range(45))


def test_the_datasets_misspelling_may_be_mended() -> None:
    header = ["Magnitude" if name == "Magnitue" else name for name in COLUMNS]
    assert positions(header, where="x.csv") == tuple(range(45))


def test_order_and_further_columns_do_not_matter() -> None:
    header = ["label", *reversed(COLUMNS), "index"]
    found = positions(header, where="x.csv")
    assert [header[position] for position in found] == list(COLUMNS)


def test_what_is_missing_or_misspelt_is_named() -> None:
    header = ["I_A_Time" if name == "IAT" else name for name in COLUMNS if name != "Rate"]
    with pytest.raises(UsageError, match=r"x\.csv: has no column 'Rate', 'IAT', but 'I_A_Time'; expected"):
        positions(header, where="x.csv")


def test_many_missing_columns_fit_one_line() -> None:
    with pytest.raises(UsageError, match=re.escape("and 40 more; expected the 45")):
        positions([], where="x.csv")


def test_a_column_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="more than one column 'Min'"):
        positions([*COLUMNS, "min"], where="x.csv")
