"""The names that dashboards and alerting rules hold on to."""

import re

import pytest

from detector.metrics.families import FAMILIES, Family

CONTRACT = [
    "iotids_build_info",
    "iotids_bundle_info",
    "iotids_capture_up",
    "iotids_packets_total",
    "iotids_packets_dropped_total",
    "iotids_packets_ignored_total",
    "iotids_flows_total",
    "iotids_active_flows",
    "iotids_flows_dropped_total",
    "iotids_window_hosts",
    "iotids_window_evictions_total",
    "iotids_windows_scored_total",
    "iotids_verdicts_total",
    "iotids_uncertain_total",
    "iotids_confidence",
    "iotids_alerts_total",
    "iotids_open_incidents",
    "iotids_alerts_suppressed_total",
    "iotids_detection_latency_seconds",
    "iotids_scoring_seconds",
    "iotids_sink_errors_total",
    "iotids_sink_up",
    "iotids_alerts_dropped_total",
    "iotids_last_packet_timestamp_seconds",
    "iotids_feature_drift",
    "iotids_drifting_features",
    "iotids_path_timestamp_seconds",
    "iotids_config_last_reload_successful",
    "iotids_config_last_reload_timestamp_seconds",
]

each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def test_no_name_is_missing() -> None:
    assert {family.name for family in FAMILIES} >= set(CONTRACT)


def test_no_name_is_used_twice() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))


@each
def test_names_follow_the_conventions(family: Family) -> None:
    assert re.fullmatch(r"iotids(_[a-z]+)+", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert not re.search(r"_(ms|secs|msec|kb|percent)(_|$)", family.name)


@each
def test_meanings_are_sentences_that_tell_the_unit(family: Family) -> None:
    assert re.fullmatch(r"[A-Z0-9].*\.", family.meaning)
    assert ("seconds" in family.name) <= ("seconds" in family.meaning)


@each
def test_no_label_is_an_address(family: Family) -> None:
    assert not {"host", "ip", "src_ip", "dst_ip", "address", "mac", "port"} & set(family.labels)


@each
def test_histograms_and_only_they_have_rising_bounds(family: Family) -> None:
    assert bool(family.bounds) == (family.kind == "histogram")
    assert list(family.bounds) == sorted(set(family.bounds))
