import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from detector.bundle import MeterSettings, WindowSettings
from detector.errors import IotidsError
from detector.features import SCHEMA
from tests.train import samples
from train import corpus
from train.corpus import Extracted, extract_all, extract_one, refusals
from train.datasets import load_capture, read_index, write_index
from train.extract import extract_capture
from train.sources import CaptureSource

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
    one, two = source(path, name="one"), source(path, name="two")
    extract_all([one], data, jobs=1)
    told: list[Extracted] = []
    index = extract_all([two], data, jobs=1, told=told.append)
    assert [entry.capture for entry in index.entries] == ["one", "two"]
    assert [(each.source.name, each.cached) for each in told] == [("two", False)]
    assert len({entry.content for entry in index.entries}) == 1


class TestCache:
    def again(self, data: Path, *sources: CaptureSource) -> dict[str, bool]:
        told: list[Extracted] = []
        extract_all(sources, data, jobs=1, told=told.append)
        return {each.source.name: each.cached for each in told}

    def test_what_did_not_change_is_not_read_again(self, tmp_path: Path) -> None:
        data, here = tmp_path / "data", source(scan(tmp_path / "scan.pcap"))
        assert self.again(data, here) == {"scan": False}
        before = (data / "index.json").read_bytes()
        assert self.again(data, here) == {"scan": True}
        assert (data / "index.json").read_bytes() == before

    def test_another_capture_truth_or_lost_file_is_read(self, tmp_path: Path) -> None:
        data, here = tmp_path / "data", source(scan(tmp_path / "scan.pcap"))
        self.again(data, here)
        assert self.again(data, replace(here, truth=0)) == {"scan": False}
        scan(here.path, ports=61)
        assert self.again(data, replace(here, truth=0)) == {"scan": False}
        (windows,) = data.glob("*.npz")
        windows.unlink()
        assert self.again(data, replace(here, truth=0)) == {"scan": False}
        assert self.again(data, replace(here, truth=0)) == {"scan": True}

    def test_what_its_source_says_now_holds(self, tmp_path: Path) -> None:
        data, here = tmp_path / "data", source(scan(tmp_path / "scan.pcap"))
        self.again(data, here)
        assert self.again(data, replace(here, origin="sgr", parents=("lab",))) == {"scan": True}
        (entry,) = read_index(data, schema_digest=SCHEMA.digest).entries
        assert (entry.origin, entry.parents) == ("sgr", ("lab",))

    def test_a_run_that_was_interrupted_goes_on(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        sources = [source(scan(tmp_path / f"{n}.pcap", ports=50 + n), name=str(n)) for n in range(4)]

        def interrupt(done: Extracted) -> None:
            if done.source.name == "2":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            extract_all(sources, data, jobs=1, told=interrupt)
        kept = {name for name, cached in self.again(data, *sources).items() if cached}
        assert {"3", "2"} <= kept  # the largest first

    def test_files_that_no_entry_names_are_removed(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "stale.npz").touch()
        self.again(data, source(scan(tmp_path / "scan.pcap")))
        assert len(list(data.glob("*.npz"))) == 1


def test_the_index_says_what_was_read(tmp_path: Path) -> None:
    here = replace(source(scan(tmp_path / "scan.pcap")), tools=("nmap",), layout="lab")
    index = extract_all([here], tmp_path / "data", jobs=1)
    (entry,) = index.entries
    assert (entry.flows, entry.packets, entry.tools, entry.layout) == (60, 120, ("nmap",), "lab")
    assert entry.seconds == pytest.approx(2.951, abs=0.002)
    assert index.code is not None
    assert index.digest is not None
    assert str(tmp_path) not in (tmp_path / "data" / "index.json").read_text()


def test_impossible_values_are_refused_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = source(scan(tmp_path / "scan.pcap"))
    found = extract_capture(here.path, RECON)
    found.sequences[1, -1, SCHEMA.index("bytes_per_second")] = np.nan
    monkeypatch.setattr(corpus, "extract_capture", lambda *_: found)
    entry = extract_one(here, tmp_path, MeterSettings(), WindowSettings()).entry
    assert entry is not None
    assert (entry.windows, entry.windows_refused) == (len(found.labels) - 1, 1)
    assert entry.refused == {"bytes_per_second missing": 1}
    assert len(load_capture(tmp_path, entry)) == entry.windows
    assert refusals(samples.index(entry)) == [
        "1 windows refused for values that no feature can have",
        "refused: bytes_per_second missing 1 times",
    ]


def test_a_run_that_is_killed_leaves_no_process_and_goes_on(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "own"
    for number in range(8):
        scan(folder / f"Recon-{number}.pcap", ports=400)
    main = [sys.executable, "-c", "from train.cli import main; main()"]
    extract = [*main, "extract", "--named", str(folder), "--data", str(data), "--jobs", "2"]
    with subprocess.Popen(extract, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL) as run:
        wait_until(lambda: list(data.glob("[!.]*.npz")) != [])
        children = [Path(f"/proc/{child}") for child in children_of(run.pid)]
        run.kill()
    assert children
    wait_until(lambda: not any(child.exists() for child in children))
    done = subprocess.run(extract, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert "windows of 8 captures, 1 origins" in done.stderr
    index = read_index(data, schema_digest=SCHEMA.digest)
    assert {path.name for path in data.glob("*.npz")} == {entry.file for entry in index.entries}


def children_of(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


def wait_until(reached: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_worker_that_dies_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "extract_one", die)
    with pytest.raises(IotidsError, match="a process that read a capture was killed"):
        extract_all([source(scan(tmp_path / "scan.pcap"))], tmp_path / "data", jobs=1)


def die(*_: object) -> None:
    os._exit(9)


def test_data_of_other_settings_is_not_mixed_in(tmp_path: Path) -> None:
    data, path = tmp_path / "data", scan(tmp_path / "scan.pcap")
    index = extract_all([source(path, name="old")], data, jobs=1)
    write_index(data, index.model_copy(update={"meter": MeterSettings(idle_timeout_ms=2222)}))
    again = extract_all([source(path, name="new")], data, jobs=1)
    assert [entry.capture for entry in again.entries] == ["new"]
