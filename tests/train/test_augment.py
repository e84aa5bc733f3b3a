import json
import struct
from pathlib import Path

import pytest

from detector.errors import UsageError
from train.augment import stretch

START = 1_700_000_000


def write(path: Path, stamps: list[tuple[int, int]]) -> Path:
    """Write a pcap of one-byte packets at the given seconds and microseconds."""
    records = [struct.pack("<IIII", seconds, micros, 1, 60) + b"x" for seconds, micros in stamps]
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records))
    events = [{"class": "Recon", "attackers": [], "victims": [], "start": START + 1, "end": START + 3}]
    path.with_suffix(".json").write_text(json.dumps({"events": events}))
    return path


def stamps(path: Path) -> list[float]:
    content, found = path.read_bytes()[24:], []
    while content:
        seconds, micros, captured, _ = struct.unpack_from("<IIII", content)
        found.append(seconds + micros / 1e6)
        content = content[16 + captured :]
    return found


def test_intervals_are_multiplied_and_the_start_stays(tmp_path: Path) -> None:
    capture = write(tmp_path / "scan-1.pcap", [(START, 500_000), (START + 1, 0), (START + 2, 500_000)])

    slow = stretch(capture, capture.with_suffix(".json"), 4, tmp_path / "out")

    assert slow.name == "scan-1-x4.pcap"
    assert [stamp - START for stamp in stamps(slow)] == pytest.approx([0.5, 2.5, 8.5], abs=2e-6)


def test_the_truth_moves_along(tmp_path: Path) -> None:
    capture = write(tmp_path / "scan-1.pcap", [(START, 500_000), (START + 2, 0)])

    fast = stretch(capture, capture.with_suffix(".json"), 0.5, tmp_path)

    (event,) = json.loads(fast.with_suffix(".json").read_text())["events"]
    assert (event["start"] - START, event["end"] - START) == pytest.approx((0.75, 1.75))


def test_a_record_cut_short_is_left_out(tmp_path: Path) -> None:
    capture = write(tmp_path / "scan-1.pcap", [(START, 0), (START + 1, 0)])
    capture.write_bytes(capture.read_bytes()[:-1])

    assert len(stamps(stretch(capture, capture.with_suffix(".json"), 2, tmp_path / "out"))) == 1


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    capture = write(tmp_path / "scan-1.pcap", [(START, 0)])
    with pytest.raises(UsageError, match=r"missing\.json"):
        stretch(capture, tmp_path / "missing.json", 2, tmp_path)
    capture.write_bytes(b"GIF89a")
    with pytest.raises(UsageError, match=r"scan-1\.pcap.*microseconds"):
        stretch(capture, capture.with_suffix(".json"), 2, tmp_path)
