"""JSON lines at the end of a file, whoever moves, cuts or removes it meanwhile."""

import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.sinks import JsonLinesSink
from tests.detector.sinks.samples import ALERT, LINE, numbered, numbers


def test_a_line_is_the_event_as_json(tmp_path: Path) -> None:
    sink = JsonLinesSink(tmp_path / "alerts.jsonl")
    sink.emit([ALERT])
    sink.close()
    assert (tmp_path / "alerts.jsonl").read_bytes() == LINE


def test_a_file_is_appended_to_and_private_to_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    before = os.umask(0)
    for _ in range(2):
        sink = JsonLinesSink(path)
        sink.emit([ALERT])
        sink.close()
    os.umask(before)
    assert path.read_bytes() == LINE * 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_rotated_file_is_opened_anew(tmp_path: Path) -> None:
    path, rotated = tmp_path / "alerts.jsonl", tmp_path / "alerts.jsonl.1"
    sink = JsonLinesSink(path)
    sink.emit(numbered(1))
    path.rename(rotated)
    sink.emit(numbered(2))
    path.unlink()
    path.touch()
    sink.emit(numbered(3))
    sink.close()
    assert numbers(rotated.read_bytes()) == [0]
    assert numbers(path.read_bytes()) == [0, 1, 2]


def test_a_file_cut_short_in_place_is_written_from_its_new_end(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    sink = JsonLinesSink(path)
    sink.emit(numbered(3))
    os.truncate(path, 0)
    sink.emit(numbered(1))
    sink.close()
    assert numbers(path.read_bytes()) == [0]


def test_a_folder_that_went_away_is_an_error_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "alerts.jsonl"
    path.parent.mkdir()
    sink = JsonLinesSink(path)
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(FileNotFoundError):
        sink.emit(numbered(1))
    path.parent.mkdir()
    sink.emit(numbered(2))
    sink.close()
    assert numbers(path.read_bytes()) == [0, 1]


def test_a_file_that_cannot_be_opened_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"alerts file .*: Is a directory; expected a file .* or - for"):
        JsonLinesSink(tmp_path)


def test_a_pipe_that_nobody_empties_stops_nothing_and_tears_one_line(tmp_path: Path) -> None:
    path = tmp_path / "alerts.pipe"
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
        sink = JsonLinesSink(path)
        with pytest.raises(BlockingIOError):
            sink.emit(numbered(20_000))
        drained = b"".join(iter(lambda: reader.read(1 << 20), None))
        sink.emit(numbered(2))
        sink.close()
        assert numbers(drained[: drained.rindex(b"\n")])[:3] == [0, 1, 2]
        assert reader.read() == b'\n{"n":0}\n{"n":1}\n'


def test_nothing_is_written_between_lines_when_a_full_disk_has_room_again(tmp_path: Path) -> None:
    """A limit of the file's size stands for the disk: it breaks a write off as a full disk does."""
    path = tmp_path / "alerts.jsonl"
    sink = JsonLinesSink(path)
    sink.emit([ALERT])
    before, kept = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(LINE), before[1]))
        for _ in range(2):
            with pytest.raises(OSError, match="too large"):
                sink.emit([ALERT])
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(LINE) + 5, before[1]))
        with pytest.raises(OSError, match="too large"):
            sink.emit([ALERT])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, kept)
    sink.emit([ALERT])
    sink.close()
    assert path.read_bytes() == LINE + LINE[:5] + b"\n" + LINE
