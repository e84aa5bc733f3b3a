"""What floods do, which neither a scan could learn from nor a harmless machine would do."""

from socket import IPPROTO_TCP

import numpy as np
from numpy.typing import NDArray

from detector.plausible.counts import BARRAGE_SHARE, between_two, mostly, one_way_datagrams, secs

DDOS_SOURCES = 2
"""Sources that a window of a distributed flood shows at least. With 3, as it was, two captures of 13 of DDoS
never opened as one; none of DoS opens otherwise for it."""

BARRAGE_FLOWS_PER_SEC = 100
"""Datagrams to new ports of one host, unanswered, from which on they are no scan: hosts tell of a closed port
once a second (Linux, `icmp_ratelimit`), so that faster ones learn nothing. It is how flooding scripts aim."""

DELUGE_PACKETS_PER_SEC = 10_000
"""Datagrams from one host, unanswered, that are no stream: 100 megabits a second of whole frames. A camera of
25 megabits sends 2,400. A flood of 60,000 a second inside one flow had 0.88 in its first second and 0.63
in its tenth: the lab's worlds are too short to teach what lasts."""

OVERRUN_PACKETS_PER_SEC, OVERRUN_BYTES, OVERRUN_SECS = 2000, 300, 2.0
"""What harmless machines do not exceed between two hosts, inside flows that last: packets, how large they are
on average if they carry no data, and for how long. Controllers ask 500 times a second, four packets each with
acknowledgements; half the packets of a transfer are full, so it has 700 bytes a packet. No benign capture of
the archive has such a window. What has are tables of agents near by, read without a pause, and floods over a
few flows, of which a model said 0.5 to 0.7 where DoS needed 0.93."""

UNIFORM_PACKETS_PER_SEC = 800
"""The same of datagrams that nobody answers and that are all of one size: what flooding scripts send. A
sensor that sends so sends fewer. Floods of 1 KiB, 2,500 a second from one port, had 0.79 at first and less
and less as they lasted."""

RUSH_PACKETS_PER_SEC = 4000
"""The same of datagrams that nobody answers, whatever their sizes: 48 megabits a second of whole frames."""

TORRENTS = 2
"""Flows of 2,000 such datagrams a second, of a second each, that are a flood whatever else the host does and
the model says: beside 300 to 600 packets of a hub's own life the flood of 1 KiB had 0.1."""

SURGE_PACKETS_PER_SEC = 20_000
"""Small packets between two hosts, for as long, that are a flood whatever the model says: it had 0.2 to 0.3
for one connection that sent a broker 25,000 messages, or a cache 48,000 commands, a second. A walk through
a table of an agent near by has 3,200."""

PINGS_PER_SEC = 200
"""Packets of pings and their answers between two hosts, for as long, that are a flood whatever the model
says: ping(8) leaves more than a few a second to floods, and no harmless pair in archive or lab has more than
130. 333 pings of 1,200 bytes a second had 0.78 at first, and less and less as they lasted."""

OVERRUN_FLOW_PACKETS, OVERRUN_SHARE, OVERRUN_PAUSE = 64, 1 / 2, 2
"""Packets of a flow, on average, from which flows are such that last, the share between the two hosts, and
how many seconds a flow stands for at most: the meter cuts what goes on once a second, and two walks through a
table, in a second each and four apart, do not go on."""


def barrage(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show what no scan could learn from between two hosts.

    Datagrams too fast for that, or data for TCP connections that there are not.
    """
    many = facts["interval_flows"] >= BARRAGE_FLOWS_PER_SEC * interval_secs
    strays = facts["strays"] >= BARRAGE_SHARE * facts["flows"]
    return np.asarray(many & (one_way_datagrams(facts) | strays & between_two(facts)))


def deluge(facts: NDArray[np.void], interval_secs: float) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show more datagrams from one host than any stream has."""
    lasted = np.maximum(secs(facts, "interval_"), interval_secs)
    many = facts["interval_packets"] >= DELUGE_PACKETS_PER_SEC * lasted
    return np.asarray(many & one_way_datagrams(facts))


def overrun(facts: NDArray[np.void], likelier: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show more packets inside lasting flows than harmless machines send.

    Args:
        facts: shape (m,) of `FACTS_DTYPE`.
        likelier: where the model finds a flood likelier than none, (m,).
    """
    lasted, packets = secs(facts), facts["packets"]
    pace = packets / np.maximum(lasted, OVERRUN_SECS)
    small = facts["bytes"] <= OVERRUN_BYTES * packets
    alike = mostly(facts, "uniform") & (pace >= UNIFORM_PACKETS_PER_SEC)
    silent = mostly(facts, "unanswered") & (facts["protocol"] != IPPROTO_TCP) & (pace >= RUSH_PACKETS_PER_SEC)
    rapid = small & (pace >= OVERRUN_PACKETS_PER_SEC) | alike | silent
    pings = (facts["icmp"] == facts["flows"]) & (facts["unanswered"] == 0) & (pace >= PINGS_PER_SEC)
    surely = pings | small & (pace >= SURGE_PACKETS_PER_SEC)
    fast = (lasted >= OVERRUN_SECS) & (rapid & likelier | surely)
    lasting = (packets >= OVERRUN_FLOW_PACKETS * facts["flows"]) & (lasted <= OVERRUN_PAUSE * facts["flows"])
    return np.asarray(fast & lasting & (facts["top_peer_flows"] >= OVERRUN_SHARE * facts["flows"]))


def torrents(facts: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which windows, (m,), show more datagrams of one size than harmless machines send."""
    return np.asarray(facts["torrents"] >= TORRENTS)
