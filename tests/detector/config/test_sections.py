"""The models by themselves: closed, frozen, strict, and free of contradictions."""

from typing import Any

import pytest
from pydantic import ValidationError

from detector.config.outputs import MetricsConfig
from detector.config.section import ContradictionError, Section
from detector.config.sections import CaptureConfig, Config, IncidentConfig, MeterConfig, ThresholdConfig


def test_the_configuration_cannot_be_changed() -> None:
    config = Config()
    with pytest.raises(ValidationError, match="frozen"):
        config.metrics.port = 1


def test_lists_become_tuples_so_that_nothing_inside_can_be_changed() -> None:
    names = ["eth0"]
    config = CaptureConfig(interfaces=names)
    names.append("eth1")
    assert config.interfaces == ("eth0",)
    assert hash(config) == hash(CaptureConfig(interfaces=("eth0",)))


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (CaptureConfig, {"interface": ["eth0"]}),
        (CaptureConfig, {"interfaces": "eth0"}),
        (CaptureConfig, {"promiscuous": 1}),
        (CaptureConfig, {"snaplen_bytes": 95}),
        (CaptureConfig, {"bpf_filter": ""}),
        (MeterConfig, {"max_active_flows": 60_000.0}),
        (MeterConfig, {"max_active_flows": True}),
        (MeterConfig, {"idle_timeout_ms": 99}),
        (ThresholdConfig, {"recon": 1.01}),
        (ThresholdConfig, {"recon": float("nan")}),
        (ThresholdConfig, {"recon": "0.5"}),
        (IncidentConfig, {"close_after_secs": float("inf")}),
        (IncidentConfig, {"close_after_secs": True}),
        (MetricsConfig, {"port": 65_536}),
    ],
)
def test_what_is_not_allowed_is_refused(section: type[Section], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        section.model_validate(values)


def test_a_whole_number_is_a_number() -> None:
    assert IncidentConfig(close_after_secs=90).close_after_secs == 90.0
    assert ThresholdConfig(benign=1).benign == 1.0


@pytest.mark.parametrize(("open_after", "open_within"), [(1, 1), (5, 5), (1, 100)])
def test_as_many_windows_may_be_asked_to_agree_as_are_looked_at(open_after: int, open_within: int) -> None:
    assert IncidentConfig(open_after=open_after, open_within=open_within).open_after == open_after


@pytest.mark.parametrize(
    ("section", "values", "keys"),
    [
        (IncidentConfig, {"open_after": 6}, ("open_after", "open_within")),
        (CaptureConfig, {"interfaces": ["a", "b", "a"]}, ("interfaces",)),
        (CaptureConfig, {"interfaces": ["any", "eth0"]}, ("interfaces",)),
        (MetricsConfig, {"tls_cert": "c.pem"}, ("tls_cert", "tls_key")),
        (MetricsConfig, {"tls_key": "k.pem"}, ("tls_key", "tls_cert")),
    ],
)
def test_contradictions_name_their_options(
    section: type[Section], values: dict[str, Any], keys: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        section.model_validate(values)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, ContradictionError)
    assert [found for found, _ in error.found] == [keys]


def test_all_contradictions_of_a_section_are_found() -> None:
    with pytest.raises(ValidationError, match=r"'a', 'b' more than once.*'any' beside others"):
        CaptureConfig(interfaces=["a", "b", "a", "b", "any"])


def test_a_certificate_with_its_key_is_fine() -> None:
    assert MetricsConfig(tls_cert="c.pem", tls_key="k.pem").tls_key == "k.pem"
