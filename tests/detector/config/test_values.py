"""Single values: what they mean and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from detector.config import CaptureConfig, Config, IncidentConfig, MetricsConfig
from detector.config.values import address, allowance, interface, text


@pytest.mark.parametrize("value", ["a", "tcp port 80", "café", " x "])
def test_texts(value: str) -> None:
    assert text(value) == value


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "\x1b[31m", "\u202eexe", "a\x00"])
def test_texts_that_are_blank_or_cannot_be_printed(value: str) -> None:
    with pytest.raises(ValueError, match=r"^allowed "):
        text(value)


@pytest.mark.parametrize("value", ["127.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::7", "fe80::1%eth0"])  # noqa: S104
def test_addresses(value: str) -> None:
    assert address(value) == value


@pytest.mark.parametrize(
    "value", ["", "localhost", "127.1", "10.0.0.256", "10.0.0.1:80", "[::1]", "fe80::1%a\nb"]
)
def test_texts_that_are_no_address(value: str) -> None:
    with pytest.raises(ValueError, match="IPv4 or IPv6"):
        address(value)


@pytest.mark.parametrize("value", ["eth0", "any", "br-lan.7", "wlp0s20f3", "x" * 15, "-"])
def test_interfaces(value: str) -> None:
    assert interface(value) == value


@pytest.mark.parametrize("value", ["", "x" * 16, "é" * 8, "a b", "a/b", ".", "..", "a\n", "\udcff"])
def test_texts_that_are_no_interface(value: str) -> None:
    with pytest.raises(ValueError, match="1 to 15 characters"):
        interface(value)


@pytest.mark.parametrize(
    "value",
    [
        "192.0.2.7",
        "192.0.2.7 Recon",
        "192.0.2.0/24 DoS",
        "2001:db8::/32 DDoS",
        "::1",
        "0.0.0.0/0",
        "10.0.0.1/32",
    ],
)
def test_allowances(value: str) -> None:
    assert allowance(value) == value


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("", "ADDRESS is IPv4 or IPv6"),
        ("camera", "ADDRESS is IPv4 or IPv6"),
        (" 10.0.0.1", "CATEGORY is one of"),
        ("10.0.0.1 ", "CATEGORY is one of DDoS, DoS, Recon"),
        ("10.0.0.1 recon", "CATEGORY is one of DDoS, DoS, Recon"),
        ("10.0.0.1 Benign", "CATEGORY is one of DDoS, DoS, Recon"),
        ("10.0.0.1 Recon DoS", "CATEGORY is one of DDoS, DoS, Recon"),
        ("10.0.0.1,10.0.0.2", "ADDRESS is IPv4 or IPv6"),
        ("10.0.0.0/33", "ADDRESS is IPv4 or IPv6"),
        ("10.0.0.0/255.0.0.0", "for example '192.0.2.0/24 Recon'"),
        ("10.0.0.0/", "for example '192.0.2.0/24 Recon'"),
        ("10.0.0.5/24 DoS", "write '10.0.0.0/24' or '10.0.0.5'"),
        ("fe80::1%eth0", "for example '192.0.2.0/24 Recon'"),
        ("::ffff:10.0.0.1", "write '10.0.0.1'"),
        ("10.0.0.0/" + "9" * 5000, "ADDRESS is IPv4 or IPv6"),
    ],
)
def test_texts_that_are_no_allowance(value: str, fix: str) -> None:
    with pytest.raises(ValueError, match=r"^allowed is 'ADDRESS") as caught:
        allowance(value)
    assert fix in str(caught.value)


@given(st.ip_addresses(), st.sampled_from(["", " DoS", " DDoS", " Recon"]))
def test_any_single_address_can_be_allowed(host: object, category: str) -> None:
    entry = f"{host}{category}"
    mapped = str(host).startswith("::ffff:")
    assert mapped or IncidentConfig(allow=[entry]).allow == (entry,)


@given(st.text())
def test_validators_return_their_value_or_say_what_is_allowed(value: str) -> None:
    for validator in (text, address, interface, allowance):
        try:
            assert validator(value) == value
        except ValueError as error:
            told = str(error)
            assert told.startswith("allowed ")
            assert told.isprintable()


def test_the_models_use_them() -> None:
    for make in (
        lambda: CaptureConfig(interfaces=["a b"]),
        lambda: CaptureConfig(bpf_filter=" "),
        lambda: MetricsConfig(address="localhost"),
        lambda: IncidentConfig(allow=["x"]),
        lambda: Config(bundle=""),
    ):
        with pytest.raises(ValidationError, match="allowed "):
            make()
