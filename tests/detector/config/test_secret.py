"""Secrets in files of their own."""

from pathlib import Path

import pytest

from detector.config.secret import read_secret
from detector.errors import ConfigError


def kept(path: Path, content: bytes, mode: int = 0o640) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
def test_the_one_line_is_the_secret(content: bytes, tmp_path: Path) -> None:
    assert read_secret(kept(tmp_path / "p", content), "[mqtt] password_file") == "s3cret"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a\nb", b"a\r\nX: b\r\n", b"\x00", b"\xff", "a\u2028b".encode(), b"x" * 4097]
)
def test_anything_but_one_printable_line_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^\[mqtt\] password_file: got .*one line of printable UTF-8"):
        read_secret(kept(tmp_path / "p", content), "[mqtt] password_file")


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o641])
def test_a_file_open_to_others_is_refused(mode: int, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="closed to others, run chmod o= on it"):
        read_secret(kept(tmp_path / "p", b"s3cret", mode), "[mqtt] password_file")


@pytest.mark.parametrize("name", ["missing", ".", "a\x00b"])
def test_what_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"which cannot be read \(.*\), allowed is a file"):
        read_secret(str(tmp_path / name), "[mqtt] password_file")


def test_the_secret_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_secret(kept(tmp_path / "p", b"s3cret\nand more"), "[mqtt] password_file")
    assert "s3cret" not in str(caught.value)
