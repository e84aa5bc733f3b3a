"""A file that is moved away and packed when it is large."""

import gzip
import stat
from pathlib import Path

import pytest

from detector.sinks import JsonLinesSink, Rotation
from tests.detector.sinks.samples import LINE, RecordingHandler, numbered, numbers

SIZE = 10 * len(b'{"n":10}\n')


def packed(path: Path, number: int) -> list[int]:
    return numbers(gzip.decompress(path.with_name(f"{path.name}.{number}.gz").read_bytes()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.jsonl"


def written(path: Path, count: int, keep: int = 100) -> None:
    sink = JsonLinesSink(path, Rotation(SIZE, keep))
    for alert in numbered(count):
        sink.emit([alert])
    sink.close()


def test_no_alert_is_lost_or_moved_out_of_order(path: Path) -> None:
    written(path, 99)
    files = len(list(path.parent.iterdir())) - 1
    assert files >= 8
    kept = [number for file in range(files, 0, -1) for number in packed(path, file)]
    assert kept + numbers(path.read_bytes()) == list(range(99))
    assert all(file.stat().st_size < SIZE for file in (path, *path.parent.glob("*.gz")))


def test_only_so_many_packed_files_are_kept_private_to_owner_and_group(path: Path) -> None:
    written(path, 99, keep=2)
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "alerts.jsonl",
        "alerts.jsonl.1.gz",
        "alerts.jsonl.2.gz",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o640}
    assert packed(path, 2)[-1] + 1 == packed(path, 1)[0]


def test_one_that_was_not_packed_to_its_end_comes_first(path: Path) -> None:
    """As a loss of power leaves it."""
    path.with_name("alerts.jsonl.1").write_bytes(b'{"n":-1}\n')
    path.with_name("alerts.jsonl.1.gz.new").write_bytes(b"half")
    written(path, 40)
    assert not path.with_name("alerts.jsonl.1").exists()
    last = len(list(path.parent.glob("*.gz")))
    assert packed(path, last) == [-1]
    kept = [number for file in range(last, 0, -1) for number in packed(path, file)]
    assert kept + numbers(path.read_bytes()) == list(range(-1, 40))


def test_alerts_are_written_where_nothing_can_be_moved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RecordingHandler()
    monkeypatch.setattr("detector.logs.LOGGER.handlers", [log])
    path.with_name("alerts.jsonl.1").mkdir()  # in the way
    written(path, 40)
    assert numbers(path.read_bytes()) == list(range(40))
    assert 1 < len(log.lines) < 40
    assert log.lines[0].endswith("could not be rotated: Is a directory.")


def test_a_link_and_a_device_are_left_alone(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.symlink_to(target)
    written(path, 40)
    assert numbers(target.read_bytes()) == list(range(40))
    sink = JsonLinesSink(Path("/dev/null"), Rotation(1, 1))
    sink.emit(numbered(3))
    sink.close()


def test_a_line_larger_than_the_limit_is_written_all_the_same(path: Path) -> None:
    sink = JsonLinesSink(path, Rotation(1, 3))
    sink.emit(numbered(1))
    sink.emit(numbered(2))
    sink.close()
    assert numbers(path.read_bytes()) == [0, 1]
    assert packed(path, 1) == [0]
    assert len(LINE) > 1
