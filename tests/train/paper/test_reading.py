import re
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UsageError
from train.paper.columns import COLUMNS
from train.paper.files import Source
from train.paper.reading import Piece, read

ZEROS = ["0"] * 45


def source(tmp_path: Path, *lines: list[str], header: tuple[str, ...] = COLUMNS) -> Source:
    path = tmp_path / "Benign_train.pcap.csv"
    path.write_text("\n".join(",".join(line) for line in (list(header), *lines)) + "\n")
    return Source(path, "train", 0, len(header), tuple(header.index(name) for name in COLUMNS))


def row(**values: str) -> list[str]:
    named = {name.replace("_", " "): text for name, text in values.items()}
    return [named.get(name.replace("_", " "), "0") for name in COLUMNS]


def test_rows_come_in_pieces_and_in_the_published_order(tmp_path: Path) -> None:
    shuffled = (*reversed(COLUMNS), "label")
    lines = [[str(n), *(["1"] * 44), "DDoS"] for n in range(5)]
    pieces = list(read(source(tmp_path, *lines, header=shuffled), chunk_rows=2))
    assert [piece.rows.shape for piece in pieces] == [(2, 45), (2, 45), (1, 45)]
    assert pieces[0].rows.dtype == np.float32
    assert np.concatenate([piece.rows[:, 44] for piece in pieces]).tolist() == [0, 1, 2, 3, 4]


def test_missing_and_infinite_values_become_zero_and_are_counted(tmp_path: Path) -> None:
    lines = [row(Rate="inf", IAT="7"), row(Rate="-Infinity", IAT=""), row(Rate="1e300", IAT="NaN"), ["5"]]
    piece: Piece = next(read(source(tmp_path, *lines)))
    rate, iat, weight = (COLUMNS.index(name) for name in ("Rate", "IAT", "Weight"))
    assert piece.rows[:, [0, rate, iat]].tolist() == [[0, 0, 7], [0, 0, 0], [0, 0, 0], [5, 0, 0]]
    assert np.isfinite(piece.rows).all()
    assert (piece.infinite[rate], piece.infinite.sum()) == (3, 3)
    assert (piece.missing[rate], piece.missing[iat], piece.missing[weight]) == (1, 3, 1)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "has a header and no row"),
        ([ZEROS, ZEROS, row(Tot_size="N/A?")], "data row 3, column Tot size: 'N/A?' is no number"),
        ([row(Rate="1\u00e9")], "data row 1, column Rate: '1\\xe9' is no number"),
        ([[*ZEROS, "9"]], "does not match length of data"),
        ([ZEROS, [*ZEROS, "9"]], "Expected 45 fields in line 3, saw 46"),
        ([[*ZEROS[1:], '"0']], "EOF inside string"),
    ],
)
def test_what_is_no_row_of_numbers_is_one_line(
    tmp_path: Path, lines: list[list[str]], complaint: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)) as told:
        list(read(source(tmp_path, *lines), chunk_rows=2))
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(str(tmp_path / "Benign_train.pcap.csv: "))


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    gone = source(tmp_path, ZEROS)
    gone.path.unlink()
    with pytest.raises(UsageError, match="No such file"):
        list(read(gone))
