"""How machines talk, harmful or not: conversations, transfers, streams, answers."""

from socket import IPPROTO_TCP, IPPROTO_UDP

import numpy as np
from numpy.typing import NDArray

from detector.plausible.counts import mostly, ported
from detector.plausible.floods import OVERRUN_BYTES

CONVERSATION_PACKETS = 5
"""Packets of a flow, on average, from which flows are conversations; a TCP connection with a question and an
answer has eight."""

LEFT_UNANSWERED = 1 / 8
"""Share of flows without an answer that a crowd has at most.

Without this rule 96 % of the windows of a server with five connections a second from eight of 60 devices
were called DDoS; with it, out of fold, no capture of DDoS was lost and one benign capture more was silent.
"""

VAIN_SHARE = 0.9
"""Share of flows that are refused or not answered from which on who asks does so in vain."""

DATA_BYTES = 700
"""Bytes of a packet, on average, from which on connections carry data, as many packets as both ends
let pass: half of them are full. Ten devices that fetched firmware were a DDoS; no attack of the archive or of
the lab has such a window, seventeen harmless worlds have."""

STREAM_PACKETS_PER_SEC, STREAM_SMALL_PACKETS_PER_SEC = 1000, 100
"""What a camera sends at most, 12 megabits a second of whole frames, and a telephone or a sensor. Eight
cameras that one recorder listens to were a DDoS. What a script sends is all of one size, and gets a
telephone's pace: 8,000 datagrams of 1 KiB a second from eight hosts were streams. No window of the
archive's DDoS is like that, and 157 of 5,166 of the lab's."""

SYSTEM_PORTS, REFLECTING_PORTS = 1023, (1434, 1900, 3702, 5353, 5683, 11211)
"""Ports whose datagrams to many are answers, so that they are no stream: those of services (RFC 6335) and
others that reflect floods (US-CERT alert TA14-017A). Thirty servers that sent 150 answers a second each to
somebody who had not asked were cameras."""


def conversations(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show whole conversations."""
    whole = facts["packets"] >= CONVERSATION_PACKETS * np.maximum(facts["flows"], 1)
    return np.asarray(whole & answered(facts))


def answered(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell in which windows, (m,), hardly a flow is left without an answer."""
    return np.asarray(facts["unanswered"] <= LEFT_UNANSWERED * facts["flows"])


def vain(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show brief questions that are refused, or not answered."""
    missed = facts["unanswered"] + facts["refused"] >= VAIN_SHARE * facts["flows"]
    brief = facts["packets"] < CONVERSATION_PACKETS * facts["flows"]
    return np.asarray(ported(facts) & missed & brief)


def transfers(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show TCP that carries data."""
    full = facts["bytes"] >= DATA_BYTES * facts["packets"]
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & full)


def streams(
    facts: NDArray[np.void], packets: NDArray[np.float64], of: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show datagrams in flows that last, at the pace of cameras or telephones.

    Args:
        facts: shape (m,) of `FACTS_DTYPE`.
        packets: how many a second, (m,).
        of: how many streams they are of, (m,).
    """
    going_on = (facts["protocol"] == IPPROTO_UDP) & mostly(facts, "lasting")
    full = (facts["bytes"] >= OVERRUN_BYTES * facts["packets"]) & ~mostly(facts, "uniform")
    pace = np.where(full, STREAM_PACKETS_PER_SEC, STREAM_SMALL_PACKETS_PER_SEC)
    return np.asarray(going_on & ~reflected(facts) & (packets < pace * of))


def reflected(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show what services answer, and not what they tell each other."""
    service = (facts["src_port"] <= SYSTEM_PORTS) | np.isin(facts["src_port"], REFLECTING_PORTS)
    return np.asarray(service & (facts["src_port"] != facts["dst_port"]))
