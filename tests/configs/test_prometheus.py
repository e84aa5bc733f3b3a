"""Scrape example and rules: valid, and each alert fires when it should and not before."""

import re
from pathlib import Path

import pytest

from tests.configs.promtool import PROMETHEUS, RULES, promtool, unknown_metrics

CASES = Path(__file__).with_name("alerts.yml")
ALERTS = (PROMETHEUS / "iotids.alerts.yml").read_text()


def test_the_scrape_example_and_its_rules_are_valid() -> None:
    done = promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout


def test_the_rules_are_valid_and_none_stands_twice() -> None:
    done = promtool("check", "rules", *RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "duplicate" not in done.stdout + done.stderr


def test_every_alert_fires_when_it_should() -> None:
    done = promtool("test", "rules", CASES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_firing_and_silent() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", ALERTS))
    blocks = re.split(r"\n +- (?=eval_time|\{eval_time)", CASES.read_text())
    fired = {
        name for block in blocks if "exp_alerts" in block for name in re.findall(r"alertname: (\w+)", block)
    }
    silent = {
        name
        for block in blocks
        if "exp_alerts" not in block
        for name in re.findall(r"alertname: (\w+)", block)
    }
    assert fired == silent == alerts


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_every_metric_in_a_rule_exists(file: Path) -> None:
    assert unknown_metrics(file.read_text()) == set()


def test_a_metric_that_does_not_exist_is_found() -> None:
    asked = (
        "rate(iotids_packet_total[5m]) / iotids_confidence + iotids_confidence_sum + iface:iotids_lost:ratio"
    )
    assert unknown_metrics(asked) == {"iotids_packet_total", "iotids_confidence", "iface:iotids_lost:ratio"}


def test_the_tests_feed_metrics_that_exist() -> None:
    assert unknown_metrics(CASES.read_text()) == set()
