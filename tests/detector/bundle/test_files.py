"""Files of a bundle are plain and of bounded size."""

import os
from pathlib import Path

import pytest

from detector.bundle.files import read_plain_file
from detector.errors import BundleError


def test_a_plain_file_within_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_plain_file(tmp_path / "file", 5) == b"12345"
    with pytest.raises(BundleError, match="larger than the 4 bytes"):
        read_plain_file(tmp_path / "file", 4)


def test_links_pipes_folders_and_nothing_are_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder", "none"):
        with pytest.raises(BundleError, match="plain file"):
            read_plain_file(tmp_path / name, 100)
