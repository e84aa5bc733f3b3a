"""The shipped captures are what their README says."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from train.lab import truth

PCAPS = Path(__file__).parents[2] / "pcaps"
FROM_LAB = {
    "scan-among-devices": "Recon",
    "udp-flood-one-source": "DoS",
    "quiet-home": None,
}
crafted = runpy.run_path(str(PCAPS / "crafted.py"))["files"]()


@pytest.mark.parametrize("name", sorted(crafted))
def test_a_crafted_capture_is_made_again_byte_for_byte(name: str) -> None:
    assert (PCAPS / name).read_bytes() == crafted[name]


def report(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((PCAPS / f"{name}.json").read_text())
    return document


@pytest.mark.parametrize(("name", "category"), FROM_LAB.items())
def test_a_lab_capture_holds_the_class_it_is_shipped_for(name: str, category: str | None) -> None:
    events = report(name)["events"]
    assert [event["class"] for event in events] == ([category] if category else [])


@pytest.mark.parametrize("name", FROM_LAB)
def test_the_truth_counts_the_packets_that_are_there(name: str) -> None:
    document = report(name)
    rows = list(truth.packets(PCAPS / f"{name}.pcap"))
    assert len(rows) == document["packets"]
    for event in document["events"]:
        sides = {key: frozenset(event[key]) for key in ("attackers", "victims")}
        own = [at for at, one, other in rows if truth.matches(sides, one, other, frozenset())]
        assert (own[0], own[-1], len(own)) == pytest.approx((event["start"], event["end"], event["packets"]))


def test_the_scan_is_a_scan_among_others_traffic() -> None:
    document = report("scan-among-devices")
    assert 1000 <= document["events"][0]["packets"] <= 1500
    assert document["packets"] - document["events"][0]["packets"] > 400


def test_captures_stay_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PCAPS.glob("*.pcap")}
    assert max(sizes.values()) < 300_000
    assert sum(sizes.values()) < 1_500_000


def test_every_capture_is_in_the_readme() -> None:
    text = (PCAPS / "README.md").read_text()
    assert [path.name for path in PCAPS.glob("*.pcap") if f"`{path.name}`" not in text] == []
