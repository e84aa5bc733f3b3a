"""The bundle that comes with the program, as a user meets it."""

from collections.abc import Callable

import pytest

from detector.bundle import ModelBundle, load_bundle
from detector.bundle.store import DEFAULT_BUNDLE
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.scorer import OnnxScorer
from tests.command import PCAPS, Done

Detect = Callable[..., Done]


@pytest.fixture(scope="module")
def shipped() -> ModelBundle:
    return load_bundle(None, schema_digest=SCHEMA.digest, nfstream_version=ENGINE_VERSION)


def test_it_opens_and_gives_what_training_gave(shipped: ModelBundle) -> None:
    OnnxScorer(shipped)


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in DEFAULT_BUNDLE.iterdir()) < 2 << 20


def test_its_card_names_every_origin_and_licence(shipped: ModelBundle) -> None:
    for origin in shipped.manifest.created_from.origins:
        assert f"| {origin.name} |" in shipped.card
        assert origin.licence in shipped.card


def test_nothing_under_a_noncommercial_licence_taught_it(shipped: ModelBundle) -> None:
    taught = [origin for origin in shipped.manifest.created_from.origins if origin.side == "train"]
    assert not [origin.name for origin in taught if "NC" in origin.licence]


@pytest.mark.parametrize(
    ("capture", "category", "attacker", "victim"),
    [
        ("scan-among-devices", "Recon", "192.168.123.226", "192.168.123.105"),
        ("syn-flood-spoofed", "DDoS", None, "192.168.7.20"),
    ],
)
def test_it_names_the_attack_in_a_shipped_capture(
    detect: Detect, capture: str, category: str, attacker: str | None, victim: str
) -> None:
    done = detect("--pcap", PCAPS / f"{capture}.pcap", "--alerts", "-", bundle=None)
    opened = [alert for alert in done.events if alert["iotids"]["state"] == "open"]
    assert [alert["iotids"]["category"] for alert in opened] == [category]
    assert opened[0]["dest_ip"] == victim
    assert attacker in {None, opened[0]["src_ip"]}


@pytest.mark.parametrize("capture", ["quiet-home", "ipv6-vlan-mixed"])
def test_it_is_silent_where_nothing_happens(detect: Detect, capture: str) -> None:
    done = detect("--pcap", PCAPS / f"{capture}.pcap", "--alerts", "-", bundle=None)
    assert (done.code, done.out) == (0, b"")
