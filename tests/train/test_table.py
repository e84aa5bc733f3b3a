import pytest

from train.table import aligned


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned([["", "loss"], ["summary", "0.1"]]) == ["         loss", "summary  0.1"]
    assert aligned([]) == []


def test_rows_of_another_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        aligned([["a", "b"], ["c"]])
