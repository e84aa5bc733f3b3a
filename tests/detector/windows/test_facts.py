"""What is told of a window, and the numbers that stand for hosts."""

import numpy as np
import pytest

from detector.features import flow_features
from detector.records import Expiry, address, address_words
from detector.windows.facts import host_hash, rows, stable_hash
from tests.detector.windows.samples import HOSTS, KINDS, run
from tests.traffic import ICMP, TCP, UDP, batch, flow


def test_a_hash_stands_for_an_address_and_where_it_was_seen() -> None:
    flows = batch([flow(0, host, source=source) for host in HOSTS for source in (0, 1)])
    hashes = host_hash(flows["src_ip"], flows["source"])
    assert len(set(hashes.tolist())) == 2 * len(HOSTS)
    again = host_hash(flows["src_ip"][::-1], flows["source"][::-1])
    assert np.array_equal(again[::-1], hashes)


def test_neighbouring_addresses_do_not_share_a_hash() -> None:
    words = np.zeros((100_000, 2), np.uint64)
    words[:, 1] = np.arange(100_000)
    swapped = np.ascontiguousarray(words[1:, ::-1])
    hashes = host_hash(np.concatenate([words, swapped]), np.zeros(199_999, np.uint16))
    assert len(np.unique(hashes)) == 199_999


def test_rows_remember_both_ends() -> None:
    flows = batch([flow(0, HOSTS[0], HOSTS[3], dst2src_packets=1), flow(0, HOSTS[1], HOSTS[3])])
    found = rows(flows, flow_features(flows))
    assert [str(address(peer)) for peer in found["src_ip"]] == [HOSTS[0], HOSTS[1]]
    assert found["dst_hash"][0] == found["dst_hash"][1] != found["src_hash"][0] != found["src_hash"][1]
    assert found["unanswered"].tolist() == [0, 1]


def test_hosts_of_networks_side_by_side_have_hashes_of_their_own() -> None:
    """Of each word the last octets alone differ, which are its highest bits."""
    texts = [f"2001:db8:4000:{network:x}::{host:x}" for network in range(256) for host in range(1, 256)]
    words = np.stack([address_words(text) for text in texts])
    assert len(set(host_hash(words, np.zeros(len(words), np.uint16)).tolist())) == len(texts)
    assert len(set(stable_hash(words).tolist())) == len(texts)


TORRENT = {
    "expiration_id": Expiry.ACTIVE,
    "src2dst_packets": 2000,
    "bidirectional_bytes": 100,
    "bidirectional_duration_ms": 990,
    "protocol": UDP,
}

UNHEARD = {
    "expiration_id": Expiry.ACTIVE,
    "src2dst_packets": 64,
    "src2dst_bytes": 64 * 800,
    "dst2src_packets": 2,
    "bidirectional_packets": 66,
    "bidirectional_bytes": 46_000,
}
BULK = {
    "src2dst_packets": 12,
    "dst2src_packets": 8,
    "bidirectional_packets": 20,
    "bidirectional_bytes": 14_000,
    "src2dst_psh_packets": 9,
    "dst2src_psh_packets": 2,
}


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        ({"src2dst_packets": 2, "src2dst_rst_packets": 2, "src2dst_ack_packets": 1}, "replies"),
        ({"src2dst_packets": 3, "src2dst_syn_packets": 3, "src2dst_ack_packets": 3}, "replies"),
        ({"src2dst_syn_packets": 1, "dst2src_packets": 2, "dst2src_rst_packets": 2}, "refused"),
        ({"dst2src_packets": 2, "dst2src_rst_packets": 1}, "pieces"),
        ({"src2dst_packets": 3, "src2dst_ack_packets": 3, "dst2src_packets": 1}, "pieces"),
        ({"dst2src_packets": 2, "dst2src_psh_packets": 1}, "pieces served"),
        ({"dst2src_packets": 2, "dst2src_psh_packets": 1, "dst2src_fin_packets": 1}, "pieces"),
        ({"dst2src_packets": 2, "dst2src_syn_packets": 1, "dst2src_psh_packets": 1}, ""),
        ({"src2dst_fin_packets": 1, "dst2src_packets": 1, "dst2src_fin_packets": 1}, "pieces ended"),
        ({"src2dst_syn_packets": 1, "src2dst_fin_packets": 1, "dst2src_fin_packets": 1}, "ended"),
        ({"src2dst_fin_packets": 1}, ""),
        ({"src2dst_fin_packets": 1, "dst2src_fin_packets": 1, "protocol": UDP}, ""),
        (BULK, "pieces served bulk"),
        (BULK | {"bidirectional_bytes": 13_999}, "pieces served"),
        (BULK | {"dst2src_psh_packets": 3}, "pieces served"),
        (BULK | {"src2dst_psh_packets": 3, "dst2src_psh_packets": 1}, "pieces served bulk"),
        (BULK | {"src2dst_syn_packets": 1}, ""),
        (BULK | {"src2dst_syn_packets": 1, "expiration_id": Expiry.ACTIVE}, "lasting bulk"),
        (BULK | {"dst2src_packets": 0, "expiration_id": Expiry.ACTIVE}, "lasting"),
        (BULK | {"protocol": UDP, "expiration_id": Expiry.ACTIVE}, "lasting"),
        ({"src2dst_syn_packets": 1, "src2dst_rst_packets": 1}, ""),
        (
            {"src2dst_packets": 2, "src2dst_syn_packets": 1, "src2dst_ack_packets": 1, "dst2src_packets": 1},
            "",
        ),
        ({"dst2src_packets": 1, "dst2src_syn_packets": 1}, ""),
        ({"src2dst_ack_packets": 1}, ""),
        ({"src2dst_rst_packets": 1, "dst2src_packets": 1, "protocol": UDP}, ""),
        ({"expiration_id": Expiry.ACTIVE, "dst2src_packets": 1, "protocol": UDP}, "lasting"),
        ({"expiration_id": Expiry.ACTIVE, "bidirectional_stddev_ps": 0.1, "protocol": UDP}, "lasting"),
        ({"expiration_id": Expiry.ACTIVE, "bidirectional_bytes": 1200, "protocol": UDP}, "lasting"),
        ({"expiration_id": Expiry.ACTIVE}, "lasting"),
        ({"expiration_id": Expiry.ACTIVE, "protocol": UDP}, "lasting uniform"),
        ({**TORRENT, "src2dst_packets": 1999}, "lasting uniform"),
        ({**TORRENT, "bidirectional_duration_ms": 1100}, "lasting uniform"),
        (TORRENT, "lasting uniform torrents"),
        ({**TORRENT, "expiration_id": Expiry.IDLE}, ""),
        ({"src2dst_packets": 20, "src2dst_syn_packets": 20}, "torrents"),
        (UNHEARD, "pieces lasting torrents"),
        (UNHEARD | {"src2dst_packets": 63}, "pieces lasting"),
        (UNHEARD | {"src2dst_bytes": 64 * 400}, "pieces lasting"),
        (UNHEARD | {"src2dst_bytes": 64 * 1200}, "pieces lasting"),
        (UNHEARD | {"dst2src_packets": 0, "src2dst_bytes": 64 * 400}, "lasting"),
        (UNHEARD | {"expiration_id": Expiry.IDLE}, "pieces"),
        (UNHEARD | {"protocol": UDP}, "lasting"),
        ({"src2dst_packets": 20, "src2dst_syn_packets": 19}, ""),
        ({"src2dst_packets": 20, "src2dst_syn_packets": 20, "protocol": UDP}, ""),
        ({"src2dst_bytes": 401}, "strays"),
        ({"src2dst_bytes": 400}, ""),
        ({"src2dst_bytes": 401, "dst2src_packets": 1, "dst2src_rst_packets": 1}, "refused strays"),
        ({"src2dst_bytes": 401, "dst2src_packets": 2, "dst2src_rst_packets": 1}, "pieces"),
        ({"src2dst_bytes": 401, "src2dst_syn_packets": 1}, ""),
        ({"src2dst_bytes": 401, "dst2src_packets": 1, "dst2src_syn_packets": 1}, ""),
        ({"src2dst_bytes": 401, "protocol": UDP}, ""),
        ({"protocol": ICMP}, "icmp"),
        ({"protocol": 58}, "icmp"),
        ({"dst_mac": 0xFF}, "grouped"),
        ({"expiration_id": Expiry.IDLE, "protocol": UDP}, ""),
    ],
)
def test_what_a_flow_is_by_its_flags_and_its_end(flags: dict[str, int], kind: str) -> None:
    flows = batch([flow(n, HOSTS[0], HOSTS[1], **({} if n % 2 else flags)) for n in range(5)])
    for name in KINDS:
        found = name in kind.split()
        assert rows(flows, flow_features(flows))[name].tolist() == [found, 0] * 2 + [found]
        assert run(flows).facts[name].tolist() == [3 * found] * 2


def test_protocols_without_ports_are_counted_as_such() -> None:
    protocols = [ICMP, TCP, UDP, *range(30, 60)]
    ported = {TCP, UDP}
    flows = batch(
        [flow(n, HOSTS[0], HOSTS[1], protocol=n, dst_port=9 if n in ported else 0) for n in protocols]
    )
    assert rows(flows, flow_features(flows))["service"].tolist() == [
        9 if n in ported else n for n in protocols
    ]
    facts = run(flows).facts[0]
    assert (facts["ports"], facts["interval_ports"], facts["dst_port"]) == (5, 32, 0)


def test_the_exemplar_is_the_newest_flow_with_the_commonest_peer() -> None:
    ends = [(HOSTS[1], 81), (HOSTS[1], 82), (HOSTS[2], 83), (HOSTS[2], 84), (HOSTS[3], 85)]
    facts = run(batch([flow(0, HOSTS[0], peer, dst_port=port) for peer, port in ends])).facts[-1]
    assert (str(address(facts["top_peer"])), facts["top_peer_flows"]) == (HOSTS[2], 2)
    assert (facts["dst_port"], facts["peers"], facts["ports"]) == (84, 3, 5)


def test_services_are_ports_of_a_host_each() -> None:
    """A port of two hosts is two services, and of the same host one, however often it is asked."""
    ends = [(HOSTS[1], 80), (HOSTS[2], 80), (HOSTS[1], 81), (HOSTS[1], 80), (HOSTS[2], 80)]
    found = run(
        batch([flow(0, HOSTS[0], peer, dst_port=port, src_port=n) for n, (peer, port) in enumerate(ends)])
    )
    last = found.facts[-1]
    assert (last["peers"], last["ports"], last["services"], last["connections"]) == (2, 2, 3, 5)


def test_an_interval_counts_more_than_its_window_holds() -> None:
    flows = batch([flow(n, HOSTS[0], HOSTS[1], dst_port=n, dst2src_packets=n % 2) for n in range(100)])
    facts = run(flows).facts[0]
    assert (facts["flows"], facts["interval_flows"], facts["interval_ports"]) == (5, 100, 100)
    assert (facts["unanswered"], facts["interval_unanswered"]) == (2, 50)
    assert facts["first_ms"] - facts["interval_first_ms"] == 95
