import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from detector.bundle import MeterSettings, WindowSettings
from detector.errors import UsageError
from detector.features import SCHEMA
from train.corpus import CaptureSource, Extracted, extract_all, extract_one, from_lab, from_manifest
from train.datasets import load_capture, read_index, write_index

RECON = 3


def scan(path: Path, ports: int = 60) -> Path:
    """Write a scan of some ports of one host, each refused."""
    packets = []
    for port in range(1, ports + 1):
        asked = Ether() / IP(src="10.0.0.66", dst="10.0.0.7") / TCP(sport=40_000, dport=port, flags="S")
        refused = Ether() / IP(src="10.0.0.7", dst="10.0.0.66") / TCP(sport=port, dport=40_000, flags="RA")
        asked.time, refused.time = 1_700_000_000 + port / 20, 1_700_000_000.001 + port / 20
        packets += [asked, refused]
    path.parent.mkdir(parents=True, exist_ok=True)
    wrpcap(str(path), packets)
    return path


def source(path: Path, truth: int | Path = RECON, name: str = "scan") -> CaptureSource:
    return CaptureSource(path, name, origin="own", category="Recon", licence="MIT", truth=truth)


def row(file: str, category: str, **more: Any) -> dict[str, Any]:
    return {"file": file, "class": category, "origin": "sgr", "licence": "none stated", "packets": 1, **more}


def test_a_manifest_names_captures_and_their_truth(tmp_path: Path) -> None:
    rows = [row("a.pcap", "Recon"), row("b.pcap", "other"), row("c.pcap", "mixed", labels="c.labels.json")]
    (tmp_path / "manifest.json").write_text(json.dumps(rows))
    found = from_manifest(tmp_path / "manifest.json", tmp_path)
    assert [each.truth for each in found] == [RECON, -1, tmp_path / "c.labels.json"]
    assert found[0] == CaptureSource(tmp_path / "a.pcap", "a.pcap", "sgr", "Recon", "none stated", RECON)


@pytest.mark.parametrize("rows", [[row("c.pcap", "mixed")], [{"file": "a"}], 3, [[]]])
def test_a_manifest_that_leaves_questions_is_refused(tmp_path: Path, rows: object) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(rows))
    with pytest.raises(UsageError, match="no readable list of captures"):
        from_manifest(tmp_path / "manifest.json", tmp_path)


def test_a_labs_captures_are_those_with_their_truth_beside_them(tmp_path: Path) -> None:
    for name in (
        "recon-000001.pcap",
        "recon-000001.json",
        "mixed-000002.pcap",
        "mixed-000002.json",
        "dos-3.pcap",
    ):
        (tmp_path / name).touch()
    found = from_lab(tmp_path, "lab")
    assert [(each.name, each.category) for each in found] == [
        ("lab/mixed-000002", "mixed"),
        ("lab/recon-000001", "Recon"),
    ]
    assert found[1].truth == tmp_path / "recon-000001.json"


def test_a_capture_becomes_labelled_windows_on_disk(tmp_path: Path) -> None:
    index = extract_all([source(scan(tmp_path / "scan.pcap"))], tmp_path / "data", jobs=1)
    windows = load_capture(tmp_path / "data", index.entries[0])
    assert windows.sequences.shape[1:] == (index.window.length_flows, len(SCHEMA))
    assert np.isin(windows.labels, (RECON, -1)).all()
    assert (windows.labels == RECON).sum() >= 3
    assert read_index(tmp_path / "data", schema_digest=SCHEMA.digest) == index


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "broken.pcap").write_bytes(b"no capture")
    told: list[Extracted] = []
    sources = [source(tmp_path / "broken.pcap", name="broken"), source(scan(tmp_path / "scan.pcap"))]
    index = extract_all(sources, tmp_path / "data", jobs=1, told=told.append)
    assert [entry.capture for entry in index.entries] == ["scan"]
    assert {each.source.name: each.problem is None for each in told} == {"broken": False, "scan": True}


def test_a_truth_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    done = extract_one(
        source(scan(tmp_path / "scan.pcap"), tmp_path / "none.json"),
        tmp_path,
        MeterSettings(),
        WindowSettings(),
    )
    assert done.entry is None
    assert "none.json" in str(done.problem)


def test_captures_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    data, path = tmp_path / "data", scan(tmp_path / "scan.pcap")
    extract_all([source(path, name="one")], data, jobs=1)
    told: list[Extracted] = []
    index = extract_all(
        [source(path, name="one"), source(path, name="two")], data, jobs=1, only_new=True, told=told.append
    )
    assert sorted(entry.capture for entry in index.entries) == ["one", "two"]
    assert [each.source.name for each in told] == ["two"]


def test_data_of_other_settings_is_not_mixed_in(tmp_path: Path) -> None:
    data, path = tmp_path / "data", scan(tmp_path / "scan.pcap")
    index = extract_all([source(path, name="old")], data, jobs=1)
    write_index(data, index.model_copy(update={"meter": MeterSettings(idle_timeout_ms=2222)}))
    again = extract_all([source(path, name="new")], data, jobs=1)
    assert [entry.capture for entry in again.entries] == ["new"]
