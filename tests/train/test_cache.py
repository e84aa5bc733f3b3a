import os
from dataclasses import replace
from pathlib import Path

import pytest

from detector.errors import CaptureError, UsageError
from train.cache import Seen, capture_digest, code_digest, truth_digest
from train.sources import CaptureSource
from train.truth import Event

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def source(truth: int | Path | tuple[Event, ...]) -> CaptureSource:
    return CaptureSource(Path("x.pcap"), "x", "own", "Recon", "MIT", truth)


def test_a_capture_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(b"one")
    seen = Seen(tmp_path / "seen.json")
    first = seen.digest("x", path)
    seen.save()

    os.truncate(path, 0)
    path.write_bytes(b"two")
    assert Seen(tmp_path / "seen.json").digest("x", path) == capture_digest(path) != first

    state = path.stat()
    path.write_bytes(b"owt")  # as no program writes: other bytes, the same size and time
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    kept = Seen(tmp_path / "seen.json")
    kept.digest("x", path)
    kept.save()
    known = Seen(tmp_path / "seen.json").digest("x", path)
    path.write_bytes(b"own")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert Seen(tmp_path / "seen.json").digest("x", path) == known


@pytest.mark.parametrize("content", ["", "[1]", '{"x": 3}'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / "seen.json").write_text(content)
    (tmp_path / "x.pcap").touch()
    assert Seen(tmp_path / "seen.json").digest("x", tmp_path / "x.pcap") == EMPTY


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"none\.pcap: cannot be read"):
        Seen(tmp_path / "seen.json").digest("x", tmp_path / "none.pcap")
    with pytest.raises(CaptureError, match=r"none\.pcap: cannot be read"):
        capture_digest(tmp_path / "none.pcap")
    with pytest.raises(UsageError, match=r"none\.json: no readable truth"):
        truth_digest(source(tmp_path / "none.json"))


def test_another_truth_has_another_digest(tmp_path: Path) -> None:
    event = Event(1, ("*",), ("10.0.0.7",), 0, 9)
    (tmp_path / "x.json").write_text("{}")
    truths: list[int | Path | tuple[Event, ...]] = [
        1,
        2,
        (event,),
        (replace(event, end_ms=8),),
        tmp_path / "x.json",
    ]
    assert len({truth_digest(source(truth)) for truth in truths}) == len(truths)
    assert truth_digest(source((event,))) == truth_digest(source((replace(event),)))


def test_the_code_has_one_digest() -> None:
    assert code_digest() == code_digest() != EMPTY
