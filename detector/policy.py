"""From probabilities to verdicts: the only place with an opinion on how sure is sure enough.

1. An attack class is raised when its probability reaches its threshold. If several do, the most
   probable of them is raised, whatever their thresholds; between equals, the first in `CATEGORIES`.
2. Otherwise the window is Benign if that probability reaches its own threshold.
3. Otherwise it is uncertain, and its category is its most probable attack class.

Configured thresholds win over the bundle's, each on its own.

Before that, what a class is by definition is held against what the window saw. A scan asks many ends:
without `SCAN_ENDS` ports or hosts, Recon is not believed, and its share goes to Benign. DDoS has several
sources: with fewer than `DDOS_SOURCES`, its share goes to DoS. And it overwhelms: where many clients have
whole conversations with a server, fewer of them than `CROWD_FLOWS_PER_SEC`, in few packets or in full ones,
they are a crowd; where as few hosts send one ICMP packet each, they answer somebody who asked them all; and
where they ask, in whatever way, less than `MISSED_FLOWS_PER_SEC`, they may miss a server that is gone: the
share of DDoS goes to Benign. All three are paces of the last seconds, because harmless clients come in
bursts. One client that takes its time, with fewer whole TCP conversations than `CLIENT_FLOWS_PER_SEC`, in few
packets or in full ones, overwhelms nobody: the share of DoS goes to Benign. A scan listens: where one host
sends another more datagrams to new ports than `BARRAGE_FLOWS_PER_SEC`, and none is answered, the share of
Recon goes to DoS unless the model is sure of the scan. Where one asks another's TCP ports, each once, and is
answered, it learns: the share of DoS goes to Recon unless the model is sure of the flood. And nobody streams
more datagrams than `DELUGE_PACKETS_PER_SEC` to a host that never answers: the share of Benign goes to DoS. So
it does where one host sends another more small packets than `OVERRUN_PACKETS_PER_SEC`, for seconds, inside
flows that last, if the model finds DoS likelier than Benign: beyond the pace of harmless machines no more
certainty is asked for.

A verdict reports the model's own probabilities all the same.
"""

from socket import IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds, WindowSettings
from detector.config import ThresholdConfig
from detector.records import CATEGORIES, Category, Role, Verdict, WindowBatch

SCAN_ENDS = 5
"""Ports of a host, or hosts, that a window of a scan shows at least; asking fewer is what clients do."""

DDOS_SOURCES = 2
"""Sources that a window of a distributed flood shows at least. With 3, as it was, two captures of 13 of DDoS
never opened as one; none of DoS opens otherwise for it."""

CROWD_FLOWS_PER_SEC, CROWD_PACKETS_PER_SEC = 100, 2000
"""What the clients of a small server, many of them, reach at most over the last seconds. By intervals of a
quarter of a second, thirty visitors who click at once, every three seconds, were a DDoS."""

CROWD_DATA_BYTES = 700
"""Bytes of a packet, on average, from which on a crowd's connections carry data, as many packets as both ends
let pass: half of them are full. Ten devices that fetched firmware were a DDoS; no attack of the archive or of
the lab has such a window, seventeen harmless worlds have."""

MISSED_FLOWS_PER_SEC, MISSED_PACKETS_PER_SEC = 15, 60
"""What devices reach at most that all try a closed or silent port again and again: eight of them, once a
second, were a DDoS. The slowest DDoS among 1,556 shared captures has 20 flows a second."""

CONVERSATION_PACKETS = 5
"""Packets of a flow, on average, from which flows are conversations; a TCP connection with a question and an
answer has eight."""

CROWD_UNANSWERED = 1 / 8
"""Share of flows without an answer that a crowd has at most.

Without this rule 96 % of the windows of a server with five connections a second from eight of 60 devices
were called DDoS; with it, out of fold, no capture of DDoS was lost and one benign capture more was silent.
"""

CLIENT_FLOWS_PER_SEC, CLIENT_PACKETS_PER_SEC, CLIENT_SECS = 12, 500, 1.5
"""What TCP conversations and packets, over a window of so long, are no flood yet: the lab's begin at 25
connections a second. Sixteen downloads at a time and ten polls a second were a DoS. Of the archive's captures
of DoS two open no more, whose packets show four pages a second; of 248 worlds of the lab one, with 61 packets
a second."""

BARRAGE_FLOWS_PER_SEC = 100
"""Datagrams to new ports of one host, unanswered, from which on they are no scan: hosts tell of a closed port
once a second (Linux, `icmp_ratelimit`), so that faster ones learn nothing. It is how flooding scripts aim."""

BARRAGE_SHARE = 0.8
"""Of a window's flows, those of a barrage that nobody answers, and those between its two hosts, at least."""

INQUIRY_PACKETS, INQUIRY_ANSWERED = 4, 7 / 8
"""Packets of a flow that asks for a TCP port and takes the answer (SYN, SYN with ACK, ACK, RST), at most on
average, and the share of flows that get one, at least. Two of the archive's 833 harmless captures have such a
window, 46 of 68 scans, one of 106 of DoS. Of a thousand ports asked in 0.2 s the model has 0.5 for either."""

SURELY_SCAN = SURELY_FLOOD = 0.95
"""Probability of Recon from which a barrage is believed to be a scan: nmap's is as fast on a quick network,
and the model tells it by its empty datagrams with 0.99."""

DELUGE_PACKETS_PER_SEC = 10_000
"""Datagrams from one host, unanswered, that are no stream: 100 megabits a second of whole frames. A camera of
25 megabits sends 2,400. A flood of 60,000 a second inside one flow had 0.88 in its first second and 0.63
in its tenth: the lab's worlds are too short to teach what lasts."""

OVERRUN_PACKETS_PER_SEC, OVERRUN_BYTES, OVERRUN_SECS = 2000, 300, 2.0
"""What harmless machines do not exceed between two hosts, inside flows that last: packets, how large they are
on average if they carry no data, and for how long. Controllers ask 500 times a second, four packets each with
acknowledgements; half the packets of a transfer are full, so it has 700 bytes a packet. No benign capture of
the archive has such a window. What has are tables of agents near by, read without a pause, and floods over a
few flows, of which the model says 0.5 to 0.7 where DoS needs 0.93."""

OVERRUN_FLOW_PACKETS, OVERRUN_SHARE = 64, 1 / 2
"""Packets of a flow, on average, from which flows are such that last, and the share between the two hosts."""

SURELY_BENIGN = 0.75
"""Confidence from which a Benign window calms its host, so that it is looked at less often. Well above what
Benign needs to be believed, because a host on the way to an attack should not be kept waiting: of 1,556
captures the same open the same with 0.9."""

_BENIGN = CATEGORIES.index(Category.BENIGN)
_DDOS, _DOS, _RECON = (CATEGORIES.index(name) for name in (Category.DDOS, Category.DOS, Category.RECON))
_ATTACKS = np.array([index for index in range(len(CATEGORIES)) if index != _BENIGN])
_SUM_TOLERANCE = 1e-3
_WINDOW = WindowSettings()


class Policy:
    """Judges scored windows by one set of thresholds."""

    def __init__(
        self,
        thresholds: Thresholds,
        config: ThresholdConfig,
        window: WindowSettings = _WINDOW,
    ) -> None:
        chosen = {**thresholds.model_dump(), **config.model_dump(exclude_none=True)}
        self._window = window
        # In the probabilities' own precision: the float32 nearest to 0.7 is below 0.7.
        self._thresholds = np.array([chosen[category.lower()] for category in CATEGORIES], np.float32)

    def judge(self, windows: WindowBatch, probabilities: NDArray[np.float32]) -> list[Verdict]:
        """Return one verdict a window, in the order of the windows, Benign ones included.

        Args:
            windows: m windows; only their facts are read.
            probabilities: (m, 4), calibrated, columns in the order of `CATEGORIES`.

        Raises:
            ValueError: wrong shape, or a row that is no probability distribution. Scorers give
                finite rows that sum to 1, so this is a defect, never a matter of traffic.
        """
        _check(len(windows), probabilities)
        weighed = plausible(probabilities, windows.facts, self._window)
        chosen, uncertain = self._choose(weighed)
        confidence = np.take_along_axis(weighed, chosen[:, np.newaxis], axis=1)[:, 0]
        columns = zip(
            chosen.tolist(), confidence.tolist(), probabilities.tolist(), uncertain.tolist(), strict=True
        )
        return [
            Verdict(CATEGORIES[category], sure, tuple(row), unsure, facts)
            for (category, sure, row, unsure), facts in zip(columns, windows.facts, strict=True)
        ]

    @staticmethod
    def calm(verdicts: list[Verdict]) -> NDArray[np.bool_]:
        """Tell which windows, (m,), were surely benign."""
        return np.array(
            [
                verdict.category is Category.BENIGN
                and not verdict.uncertain
                and verdict.confidence >= SURELY_BENIGN
                for verdict in verdicts
            ],
            bool,
        )

    def _choose(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return each row's category as a column index, (m,), and whether it is uncertain, (m,)."""
        attacks = probabilities[:, _ATTACKS]
        reached = attacks >= self._thresholds[_ATTACKS]
        raised = reached.any(axis=1)
        # Probabilities are not negative, so -1 never wins where any class reached its threshold.
        best_raised = _ATTACKS[np.where(reached, attacks, -1).argmax(axis=1)]
        likeliest = _ATTACKS[attacks.argmax(axis=1)]
        benign = ~raised & (probabilities[:, _BENIGN] >= self._thresholds[_BENIGN])
        chosen = np.where(raised, best_raised, np.where(benign, _BENIGN, likeliest))
        return chosen, ~raised & ~benign


def plausible(
    probabilities: NDArray[np.float32], facts: NDArray[np.void], window: WindowSettings = _WINDOW
) -> NDArray[np.float32]:
    """Return probabilities, (m, 4), where classes that a window cannot show gave theirs to what it is."""
    interval_secs, horizon_secs = window.interval_ms / 1000, window.horizon_ms / 1000
    ports = np.maximum(facts["ports"], facts["interval_ports"])
    peers = np.maximum(facts["peers"], facts["interval_peers"])
    as_target = facts["role"] == Role.TARGET
    # A target's peers are who asks, not what is asked.
    asked = np.where(as_target, ports, np.maximum(ports, peers))
    # A decaying sum of what comes at a steady rate is about that of one horizon.
    flows, packets = (facts[f"recent_{name}"] / horizon_secs for name in ("flows", "packets"))
    few = flows < CROWD_FLOWS_PER_SEC
    missed = (flows < MISSED_FLOWS_PER_SEC) & (packets < MISSED_PACKETS_PER_SEC)
    crowd = _conversations(facts) & ((packets < CROWD_PACKETS_PER_SEC) | _transfers(facts))
    likelier = probabilities[:, _DOS] > probabilities[:, _BENIGN]
    weighed = probabilities.copy()
    for source, to, lacks in (
        (_RECON, _BENIGN, asked < SCAN_ENDS),
        (_DDOS, _DOS, as_target & (peers < DDOS_SOURCES)),
        (_DDOS, _BENIGN, as_target & (few & (crowd | _errors(facts)) | missed)),
        (_DOS, _BENIGN, _client(facts)),
        (_DOS, _RECON, _inquiry(facts) & (probabilities[:, _DOS] < SURELY_FLOOD)),
        (_RECON, _DOS, _barrage(facts, interval_secs) & (probabilities[:, _RECON] < SURELY_SCAN)),
        (_BENIGN, _DOS, as_target & (_deluge(facts, interval_secs) | _overrun(facts) & likelier)),
    ):
        weighed[lacks, to] += weighed[lacks, source]
        weighed[lacks, source] = 0.0
    return weighed


def _conversations(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show whole conversations."""
    whole = facts["packets"] >= CONVERSATION_PACKETS * np.maximum(facts["flows"], 1)
    answered = facts["unanswered"] <= CROWD_UNANSWERED * facts["flows"]
    return np.asarray(whole & answered)


def _transfers(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show TCP that carries data."""
    full = facts["bytes"] >= CROWD_DATA_BYTES * facts["packets"]
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & full)


def _client(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show whole TCP conversations at a pace that harms nobody."""
    secs = _secs(facts)
    slow = (secs >= CLIENT_SECS) & (facts["flows"] < CLIENT_FLOWS_PER_SEC * secs)
    light = (facts["packets"] < CLIENT_PACKETS_PER_SEC * secs) | _transfers(facts)
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & _conversations(facts) & slow & light)


def _errors(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show lone ICMP packets, as they come back from a sweep."""
    icmp = (facts["protocol"] == IPPROTO_ICMP) | (facts["protocol"] == IPPROTO_ICMPV6)
    return np.asarray(icmp & (facts["packets"] <= facts["flows"]))


def _barrage(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show datagrams between two hosts, faster than a scan could learn from."""
    many = facts["interval_flows"] >= BARRAGE_FLOWS_PER_SEC * interval_secs
    return np.asarray(many & _one_way_datagrams(facts))


def _inquiry(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show one host that asks another new TCP ports, and is answered."""
    flows = facts["flows"]
    each_once = facts["ports"] >= np.maximum(BARRAGE_SHARE * flows, SCAN_ENDS)
    brief = facts["packets"] <= INQUIRY_PACKETS * flows
    answered = facts["unanswered"] <= (1 - INQUIRY_ANSWERED) * flows
    between_two = facts["top_peer_flows"] >= BARRAGE_SHARE * flows
    return np.asarray((facts["protocol"] == IPPROTO_TCP) & each_once & brief & answered & between_two)


def _deluge(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show more datagrams from one host than any stream has."""
    secs = np.maximum(_secs(facts, "interval_"), interval_secs)
    many = facts["interval_packets"] >= DELUGE_PACKETS_PER_SEC * secs
    return np.asarray(many & _one_way_datagrams(facts))


def _overrun(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show more small packets inside lasting flows than harmless machines send."""
    secs, packets = _secs(facts), facts["packets"]
    fast = (secs >= OVERRUN_SECS) & (packets >= OVERRUN_PACKETS_PER_SEC * secs)
    small = facts["bytes"] <= OVERRUN_BYTES * packets
    lasting = packets >= OVERRUN_FLOW_PACKETS * facts["flows"]
    return np.asarray(fast & small & lasting & (facts["top_peer_flows"] >= OVERRUN_SHARE * facts["flows"]))


def _secs(facts: NDArray[np.void], part: str = "") -> NDArray[np.float64]:
    """Return how long, (m,), it is from the first packet to the last of windows, or of their `interval_`."""
    began, ended = (facts[f"{part}{which}_ms"].astype(np.int64) for which in ("first", "last"))
    return np.asarray((ended - began) / 1000)


def _one_way_datagrams(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), are of datagrams between two hosts of which one is silent."""
    unanswered = facts["unanswered"] >= BARRAGE_SHARE * facts["flows"]
    between_two = facts["top_peer_flows"] >= BARRAGE_SHARE * facts["flows"]
    return np.asarray((facts["protocol"] == IPPROTO_UDP) & unanswered & between_two)


def _check(windows: int, probabilities: NDArray[np.float32]) -> None:
    expected = (windows, len(CATEGORIES))
    if probabilities.shape != expected:
        raise ValueError(f"probabilities have shape {probabilities.shape}, expected {expected}")
    # Written so that NaN fails: it compares false with everything.
    with np.errstate(invalid="ignore"):
        sums_to_one = np.abs(probabilities.sum(axis=1) - 1) <= _SUM_TOLERANCE
    proper = sums_to_one & (probabilities >= 0).all(axis=1)
    if not proper.all():
        row = int(np.flatnonzero(~proper)[0])
        raise ValueError(
            f"row {row} of the probabilities is {probabilities[row].tolist()}, "
            "expected finite numbers from 0 that sum to 1"
        )
