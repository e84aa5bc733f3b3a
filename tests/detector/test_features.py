"""The numbers of a flow: fixed, finite, and blind to who and when."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.features import (
    CONTEXT,
    FLOW_FEATURES,
    RELATIONS,
    SCHEMA,
    FeatureSchema,
    flow_features,
    multicast,
    relations,
    repeats,
    to_group,
)
from detector.records import FLOW_DTYPE, Expiry, FlowBatch, address_words
from tests.traffic import ICMP, ICMPV6, TCP, UDP, batch, flow

DIGEST = "sha256:42fa6a87faad6a83c0380d4fc95c0e811e80d7410692ab7f39da7b3bb6f6387c"
"""Changes with any name, unit or order. Bundles hold it: a new one means training anew."""


def features(**fields: float) -> dict[str, float]:
    """Return the flow features of one flow, by name."""
    return dict(zip(FLOW_FEATURES, flow_features(flow(0, **fields))[0].tolist(), strict=True))


class TestSchema:
    def test_digest(self) -> None:
        assert SCHEMA.digest == DIGEST

    def test_names_and_units_belong_together(self) -> None:
        assert len(SCHEMA) == len(set(SCHEMA.names)) == len(SCHEMA.units)
        assert SCHEMA.names == (*FLOW_FEATURES, *CONTEXT, *RELATIONS)
        assert SCHEMA.names[SCHEMA.index("mask")] == "mask"
        by_name = dict(zip(SCHEMA.names, SCHEMA.units, strict=True))
        assert all(unit == "ms" for name, unit in by_name.items() if name.endswith("_ms"))
        assert all(unit == "flag" for name, unit in by_name.items() if name.startswith(("new_", "same_")))

    def test_order_and_units_change_the_digest(self) -> None:
        digests = {
            FeatureSchema(names, units).digest
            for names in (("a", "b"), ("b", "a"))
            for units in (("ms", "ms"), ("ms", "s"))
        }
        assert len(digests) == 4


class TestFlow:
    def test_rates_are_over_the_duration(self) -> None:
        found = features(
            bidirectional_duration_ms=500, src2dst_packets=4, dst2src_packets=6, dst2src_bytes=90
        )
        assert found["packets_per_second"] == 20
        assert found["bytes_per_second"] == (60 + 90) * 2

    def test_a_flow_without_duration_took_a_millisecond(self) -> None:
        assert features(src2dst_packets=2)["packets_per_second"] == 2000

    def test_one_packet_has_no_rate(self) -> None:
        found = features(bidirectional_duration_ms=0)
        assert (found["packets_per_second"], found["bytes_per_second"]) == (0, 0)

    @pytest.mark.parametrize(
        ("protocol", "kind"),
        [(TCP, "tcp"), (UDP, "udp"), (ICMP, "icmp"), (ICMPV6, "icmp"), (47, "other_protocol")],
    )
    def test_a_protocol_is_one_of_four_kinds(self, protocol: int, kind: str) -> None:
        found = features(protocol=protocol)
        assert [name for name in ("tcp", "udp", "icmp", "other_protocol") if found[name]] == [kind]

    @pytest.mark.parametrize("reason", Expiry)
    def test_why_it_ended(self, reason: Expiry) -> None:
        found = features(expiration_id=reason)
        assert found["closed"] == (reason is Expiry.CLOSED)
        assert found["sliced"] == (reason is Expiry.ACTIVE)

    def test_whether_it_was_answered(self) -> None:
        assert features()["unanswered"] == 1
        assert features(dst2src_packets=1)["unanswered"] == 0

    @pytest.mark.parametrize(
        ("text", "many"),
        [
            ("223.255.255.255", False),
            ("224.0.0.1", True),
            ("239.255.255.250", True),
            ("240.0.0.1", False),
            ("255.255.255.255", True),
            ("255.255.255.254", False),
            ("192.168.1.255", False),
            ("ff02::fb", True),
            ("fe80::1", False),
            ("::ffff:0:0", False),
        ],
    )
    def test_multicast(self, text: str, many: bool) -> None:  # noqa: FBT001 - a parameter of the test
        assert multicast(address_words(text)[None]).tolist() == [many]

    def test_a_frame_for_everybody_is_meant_for_a_group(self) -> None:
        meant = ("192.168.1.255", "192.168.1.255", "224.0.0.251")
        flows = batch([flow(0, "10.0.0.1", each) for each in meant])
        flows["dst_mac"][0] = 0xFF
        column = FLOW_FEATURES.index("to_group")
        assert flow_features(flows)[:, column].tolist() == to_group(flows).tolist() == [1, 0, 1]

    def test_an_empty_batch(self) -> None:
        assert flow_features(batch([])).shape == (0, len(FLOW_FEATURES))


def any_flows(seed: int, highest: int) -> FlowBatch:
    """Return flows with every field drawn at random up to `highest`, or to what its type holds."""
    rng, flows = np.random.default_rng(seed), np.zeros(20, FLOW_DTYPE)
    for name in FLOW_DTYPE.names or ():
        field = flows[name]
        if field.dtype.kind == "f":
            flows[name] = rng.uniform(0, highest, field.shape)
        else:
            top = min(np.iinfo(field.dtype).max, highest)
            flows[name] = rng.integers(0, top, field.shape, field.dtype, endpoint=True)
    return flows


seeds, heights = st.integers(0, 10**6), st.sampled_from([0, 1, 300, 10**6, 2**40, 2**64 - 1])


class TestAnyFlow:
    @settings(max_examples=50)
    @given(seed=seeds, highest=heights)
    def test_features_are_finite_and_not_negative(self, seed: int, highest: int) -> None:
        found = flow_features(any_flows(seed, highest))
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert (found >= 0).all()

    @settings(max_examples=50)
    @given(seed=seeds, highest=heights, other=seeds)
    def test_features_do_not_depend_on_who_where_and_when(self, seed: int, highest: int, other: int) -> None:
        flows, changed = any_flows(seed, highest), any_flows(seed, highest)
        strange = any_flows(other, 2**64 - 1)
        strange["dst_mac"][:, 0] &= 0xFE  # a card's own, as in any flow here but one in 2**48
        names = ("src_ip", "src_mac", "dst_mac", "src_port", "dst_port", "vlan_id", "tunnel_id", "source")
        stamps = [name for name in FLOW_DTYPE.names or () if name.endswith("seen_ms")]
        for name in (*names, *stamps, "export_ms", "ip_version"):
            changed[name] = strange[name]
        assert flow_features(flows).tobytes() == flow_features(changed).tobytes()


def relate(ports: NDArray[np.uint16], **columns: NDArray[Any]) -> NDArray[np.float32]:
    """Return the relations, (m, T, len(RELATIONS)); `ports` is (m, T, 2)."""
    peers, mask = columns["peers"], columns["mask"]
    earlier, _ = repeats(np.stack([peers, ports[..., 0], ports[..., 1]]), mask)
    found = np.empty((*mask.shape, len(RELATIONS)), np.float32)
    relations(**columns, earlier=earlier, out=found)
    return np.where(mask[..., None], found, np.float32(0))


def related(rows: int, **columns: Any) -> dict[str, list[float]]:
    """Return the relations in one window of `rows` flows, by name."""
    columns = {
        "times": np.arange(rows) * 10,
        "peers": np.ones(rows),
        "ports": np.ones((rows, 2)),
        "sizes": np.ones((rows, 2), np.float32),
        "unanswered": np.zeros(rows, np.float32),
        "mask": np.ones(rows, bool),
    } | columns
    shaped: dict[str, Any] = {name: np.array(value)[None] for name, value in columns.items()}
    for name, kind in (("peers", np.uint64), ("ports", np.uint16)):
        shaped[name] = shaped[name].astype(kind)
    found = relate(**shaped, as_target=np.array([False]))
    return dict(zip(RELATIONS, found[0].T.tolist(), strict=True))


@given(data=st.data())
def test_repeats_are_counted_among_flows_that_stand(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 7)))
    rng = np.random.default_rng(data.draw(seeds))
    values = rng.integers(0, 3, shape, np.uint64)
    mask = np.arange(shape[2]) >= rng.integers(0, shape[2] + 1, (shape[1], 1))
    earlier, total = repeats(values, mask)
    for k, m, t in np.argwhere(np.broadcast_to(mask, shape)).tolist():
        alike = (values[k, m] == values[k, m, t]) & mask[m]
        assert (earlier[k, m, t], total[k, m, t]) == (alike[:t].sum(), alike.sum())


class TestRelations:
    def test_peers(self) -> None:
        found = related(5, peers=[7, 7, 8, 9, 7])
        assert found["new_peer"] == [1, 0, 1, 1, 0]
        assert found["same_peer"] == [0, 1, 0, 0, 0]
        assert found["peers_so_far"] == [1, 1, 2, 3, 3]
        assert found["peer_share"] == [0, 1, 0, 0, 0.5]

    def test_ports(self) -> None:
        found = related(3, ports=[[80, 1], [81, 1], [80, 2]])
        assert (found["new_port"], found["new_source_port"]) == ([1, 1, 0], [1, 0, 1])
        assert (found["ports_so_far"], found["source_ports_so_far"]) == ([1, 2, 2], [1, 1, 2])
        assert found["port_share"] == [0, 0, 0.5]

    def test_times_may_be_out_of_order(self) -> None:
        found = related(3, times=[100, 90, 130])
        assert found["since_previous_ms"] == [0, 10, 40]
        assert found["before_newest_ms"] == [30, 40, 0]

    def test_sizes_and_answers(self) -> None:
        found = related(3, sizes=[[1, 60], [1, 60], [2, 60]], unanswered=[1, 0, 0])
        assert found["same_size"] == [0, 1, 0]
        assert found["unanswered_share"] == pytest.approx([1, 1 / 2, 1 / 3])

    def test_what_no_flow_fills_counts_for_nothing(self) -> None:
        padded = related(4, mask=[False, False, True, True], times=[9, 9, 10, 20], peers=[3, 3, 3, 3])
        whole = related(2, times=[10, 20], peers=[3, 3])
        assert {name: values[2:] for name, values in padded.items()} == whole
        assert all(values[:2] == [0, 0] for values in padded.values())

    @settings(max_examples=50)
    @given(seed=seeds)
    def test_they_are_finite_and_not_negative(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = (3, 6)
        found = relate(
            times=rng.integers(0, 2**62, shape),
            peers=rng.integers(0, 3, shape, np.uint64),
            ports=rng.integers(0, 3, (*shape, 2), np.uint16),
            sizes=rng.integers(0, 3, (*shape, 2)).astype(np.float32),
            unanswered=rng.integers(0, 2, shape).astype(np.float32),
            mask=np.arange(6) >= rng.integers(0, 6, (3, 1)),
            as_target=rng.integers(0, 2, 3).astype(bool),
        )
        assert np.isfinite(found).all()
        assert (found >= 0).all()
