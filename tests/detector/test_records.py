"""Addresses keep their identity on the way into columns and back; the numbers of things are fixed."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.records import (
    CATEGORIES,
    FACTS_DTYPE,
    FLOW_DTYPE,
    Expiry,
    Role,
    WindowBatch,
    address,
    address_words,
    mapped_ipv4,
)


@given(found=st.ip_addresses())
def test_an_address_comes_back_from_its_words(found: IPv4Address | IPv6Address) -> None:
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    assert address(address_words(str(found))) == (mapped or found)


@given(found=st.ip_addresses(v=4))
def test_an_ipv4_address_has_one_form(found: IPv4Address) -> None:
    words = address_words(str(found))
    assert np.array_equal(words, address_words(f"::ffff:{found}"))
    assert address(words) == found
    # NFStream's form: the four bytes in network order, read as a little-endian number.
    theirs = np.array([int.from_bytes(found.packed, "little")], np.uint64)
    assert np.array_equal(mapped_ipv4(theirs)[0], words)


def test_words_are_the_bytes_in_network_order() -> None:
    assert address_words("2001:db8::1").tobytes() == ip_address("2001:db8::1").packed
    assert address_words("192.0.2.1").tobytes() == bytes(10) + b"\xff\xff\xc0\x00\x02\x01"


def test_words_of_a_column_may_be_strided() -> None:
    flows = np.zeros(2, FLOW_DTYPE)
    flows["src_ip"][1] = address_words("192.0.2.1")
    assert address(flows["src_ip"][1]) == IPv4Address("192.0.2.1")
    assert address(flows[1]["src_ip"]) == IPv4Address("192.0.2.1")


@pytest.mark.parametrize("text", ["", "host", "10.0.0.256", "10.0.0.0/8", "::g"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        address_words(text)


def test_numbers_that_bundles_and_training_sets_hold_never_change() -> None:
    assert [str(category) for category in CATEGORIES] == ["Benign", "DDoS", "DoS", "Recon"]
    assert {role.name: int(role) for role in Role} == {"SOURCE": 0, "TARGET": 1}
    assert [expiry.name for expiry in sorted(Expiry)] == ["IDLE", "ACTIVE", "CLOSED", "EVICTED", "FLUSHED"]


def test_a_batch_is_as_long_as_its_facts() -> None:
    assert len(WindowBatch(np.zeros((3, 2, 1), np.float32), np.zeros(3, FACTS_DTYPE))) == 3
