"""Files are there whole or not at all, and what is wrong with one is told in a line."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from detector.errors import UsageError
from train.files import read, save, write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_the_old_one_stays_where_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_whole(path, b"old")
    (tmp_path / ".file.json").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_where_nothing_can_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"")
    with pytest.raises(UsageError, match=r"full/x/file\.json: cannot be written \(Not a directory\)$"):
        save(tmp_path / "full" / "x" / "file.json", b"1")


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    save(tmp_path / "file.json", b"[1, 2]")
    assert read(tmp_path / "file.json", TypeAdapter(list[int]), what="list", command="fit") == [1, 2]


@pytest.mark.parametrize("content", [None, b"[1,", b'["x"]', b"\xff"])
def test_what_cannot_be_read_names_the_command_that_makes_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"^[^\n]*file\.json: no readable list [^\n]*run iotids-train fit$"):
        read(path, TypeAdapter(list[int]), what="list", command="fit")
