"""The self-test: what it says of a bundle that works, and of those that do not."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.bundle import load_bundle
from detector.config import Config, IncidentConfig, ThresholdConfig
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.records import CATEGORIES
from detector.run import open_bundle
from detector.selftest import run
from tests.command import Done

Detect = Callable[..., Done]


@pytest.mark.parametrize("shipped", [True, False], ids=["shipped", "rules"])
def test_every_class_fires_and_quiet_stays_quiet(shipped: bool, detect: Detect, rule_bundle: Path) -> None:  # noqa: FBT001
    started = time.process_time()
    done = detect("--self-test", bundle=None if shipped else rule_bundle)
    assert time.process_time() - started < 5
    assert (done.code, done.err) == (0, b"")
    rows = [line.split() for line in done.out.decode().splitlines()]
    assert [row[0] for row in rows] == ["ok"] * 4
    assert {row[1] for row in rows} == set(CATEGORIES)
    assert rows[0][1:] == ["Benign", "no", "incident"]


def test_a_class_that_does_not_fire_fails_with_one_line(detect: Detect, tmp_path: Path) -> None:
    config = tmp_path / "iotids.toml"
    config.write_text("[thresholds]\nrecon = 1.0\nbenign = 0.0\n[incidents]\nalert_on_uncertain = false\n")
    done = detect("--self-test", "--config", config, bundle=None)
    assert done.code == 1
    assert done.err.startswith(b"error: self-test: Recon not as expected")
    assert done.err.count(b"\n") == 1
    assert [line.split()[:2] for line in done.out.decode().splitlines()] == [
        ["ok", "Benign"],
        ["FAILED", "Recon"],
        ["ok", "DoS"],
        ["ok", "DDoS"],
    ]


def test_false_alarms_fail(rule_bundle: Path) -> None:
    """With thresholds that believe every suspicion."""
    config = Config(
        bundle=str(rule_bundle),
        thresholds=ThresholdConfig(benign=1.0, recon=0.0, dos=0.0, ddos=0.0),
        incidents=IncidentConfig(open_after=1),
    )
    assert not next(run(config, open_bundle(config))).passed


def test_what_is_allowed_or_filtered_at_home_does_not_matter(detect: Detect, tmp_path: Path) -> None:
    config = tmp_path / "iotids.toml"
    config.write_text('[capture]\nbpf_filter = "udp port 9"\n[incidents]\nallow = ["0.0.0.0/0"]\n')
    assert detect("--self-test", "--config", config, bundle=None).code == 0


def test_it_writes_no_alert_where_real_ones_go(detect: Detect, tmp_path: Path) -> None:
    assert detect("--self-test", "--alerts", tmp_path / "alerts.json", bundle=None).code == 0
    assert list(tmp_path.iterdir()) == []


def test_it_is_the_same_each_time() -> None:
    bundle = load_bundle(None, schema_digest=SCHEMA.digest, nfstream_version=ENGINE_VERSION)
    assert list(run(Config(), bundle)) == list(run(Config(), bundle))


def test_it_goes_with_no_capture(detect: Detect) -> None:
    done = detect("--self-test", "--pcap", "x.pcap")
    assert done.code == 2
    assert b"not both" in done.err
