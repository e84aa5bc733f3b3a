"""Protocols of our own making parse as what they claim to be."""

import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.mqtt import MQTT, MQTTConnect, MQTTPublish, MQTTSubscribe
from scapy.layers.dns import DNS

from train.lab.attacks.flood import Sources
from train.lab.programs import servers
from train.lab.programs.mqtt import connect_packet, publish_packet, subscribe_packet
from train.lab.programs.web import dns_query

me: Any = SimpleNamespace(rng=random.Random(1))


def test_a_connect_is_mqtt() -> None:
    packet = MQTT(connect_packet("camera-7", keep_alive=30))
    assert packet[MQTTConnect].clientId == b"camera-7"
    assert packet[MQTTConnect].klive == 30


@given(st.binary(max_size=400), st.integers(0, 2))
def test_a_publish_is_mqtt(message: bytes, qos: int) -> None:
    packet = MQTT(publish_packet("home/x", message, qos=qos, number=4))
    assert qos == packet.QOS
    assert packet[MQTTPublish].topic == b"home/x"
    assert packet[MQTTPublish].value == message


def test_a_subscribe_is_mqtt() -> None:
    packet = MQTT(subscribe_packet("home/x", number=4))
    assert packet[MQTTSubscribe].topics[0].topic == b"home/x"


def test_a_question_is_dns_and_so_is_its_answer() -> None:
    question = DNS(dns_query(me, "web"))
    answer = DNS(servers._dns_answer(bytes(question)) or b"")
    assert answer.id == question.id
    assert (answer.qr, answer.ancount) == (1, 1)
    assert answer.an[0].rrname == question.qd[0].qname


@pytest.mark.parametrize("kind", sorted(servers._ANSWERS))
@given(data=st.binary(max_size=80))
def test_a_datagram_service_survives_anything(kind: str, data: bytes) -> None:
    answer, _ = servers._ANSWERS[kind]
    reply = answer(data)
    replies = reply if isinstance(reply, list) else [reply]
    assert all(one is None or isinstance(one, bytes) for one in replies)
    assert len(replies) <= servers._MOST_ANSWERS


def sources(**params: Any) -> Sources:
    return Sources({"target": "10.0.0.1", **params}, random.Random(1))


def test_invented_sources_are_public_and_ever_new() -> None:
    drawn = [sources(sources="random").pick(0)]
    many = sources(sources="random")
    drawn = [many.pick(number) for number in range(500)]
    assert len(set(drawn)) > 490
    assert not {address[0] for address in drawn} & {0, 10, 127, 169, 172, 192, *range(224, 256)}


def test_invented_sources_follow_the_targets_family() -> None:
    assert len(sources(target="2001:db8::1", sources="random").pick(0)) == 16


def test_a_source_stays_for_as_many_packets_as_asked() -> None:
    picked = sources(sources=["10.0.0.7", "10.0.0.8"], stay=3)
    assert [picked.pick(number)[3] for number in range(8)] == [7, 7, 7, 8, 8, 8, 7, 7]
