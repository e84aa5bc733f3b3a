"""What a class is by definition, held against what a window saw, before any threshold.

A scan asks many ends, each once: without `SCAN_ENDS` ports or hosts, with `SCAN_BYTES` a conversation, where
most flows are answers or go to everybody, where the same hosts are pinged `POLLS` times and answer, or where
somebody tries up to `LOST_HOSTS` far away, each for the service it is known for, Recon is not believed, and
its share goes to Benign. A scan listens: where one host sends another more datagrams to new ports than
`BARRAGE_FLOWS_PER_SEC`, and none is answered, or as much data for TCP connections that there are not, the
share of Recon goes to DoS unless the model is sure of the scan. Where one asks another's TCP ports, each
once, and is answered, it learns: the share of DoS goes to Recon unless the model is sure of the flood. Who
asks more than `SWEEP_HOSTS` for a service, in vain, scans, and so does who asks a host for `PROBE_PORTS` by
empty datagrams: the share of Benign goes to Recon if the model finds that likelier.

DDoS has several sources: with fewer than `DDOS_SOURCES`, its share goes to DoS. Where each of several asks a
host the same ports once, one asks and the others are decoys: the share of DDoS goes to Recon. And it
overwhelms: where many clients have whole conversations with a server, or ask it by datagrams that it answers,
or ping it now and then, fewer of them than `CROWD_FLOWS_PER_SEC`, in few packets or in full ones, or keep
connections open and say little, they are a crowd; where as few hosts send one ICMP packet each, they answer
somebody who asked them all; where they ask, in whatever way, less than `MISSED_FLOWS_PER_SEC`, or in vain
from near by, each less than `RETRIES_PER_SEC`, they may miss a server that is gone; where datagrams come in
flows that last, from each as fast as from a camera, neither all alike nor from a service's port, they are
streams; and a multicast group is nobody whom a crowd overwhelms: the share of DDoS goes to Benign. All are
paces of the last seconds, because harmless clients come in bursts.

One client that takes its time, with fewer whole TCP conversations than `CLIENT_FLOWS_PER_SEC`, in few packets
or in full ones, or that comes in a burst of fewer flows than `BURST_FLOWS`, or that keeps connections open
and says little, few of them or with an answer, or that moves data over fewer than `LOADS`, or sends a few
streams, or asks in vain less than `TRIES_PER_SEC`, overwhelms nobody: the share of DoS goes to Benign. And
nobody streams more datagrams than `DELUGE_PACKETS_PER_SEC` to a host that never answers, or for `TORRENTS`
seconds what `windows` counts as torrents: the shares of Benign and Recon go to DoS. So they do where one host
sends another more than `SURGE_PACKETS_PER_SEC` small packets, or `PINGS_PER_SEC`, for seconds, inside flows
that last; or more than `OVERRUN_PACKETS_PER_SEC`, or `UNIFORM_PACKETS_PER_SEC` that are alike, or
`RUSH_PACKETS_PER_SEC` of any kind, if the model finds DoS likelier than Benign: beyond the pace of harmless
machines no more certainty is asked for.
"""

import numpy as np
from numpy.typing import NDArray

from detector.bundle import WindowSettings
from detector.plausible.client import client
from detector.plausible.crowd import clients
from detector.plausible.floods import DDOS_SOURCES, barrage, deluge, overrun, torrents
from detector.plausible.scans import asks, decoys, inquiry, probe, sweep
from detector.records import CATEGORIES, Category, Role

__all__ = ["DDOS_SOURCES", "plausible"]

SURELY_SCAN = SURELY_FLOOD = 0.95
"""Probability of Recon from which a barrage is believed to be a scan: nmap's is as fast on a quick network,
and the model tells it by its empty datagrams with 0.99."""

_BENIGN = CATEGORIES.index(Category.BENIGN)
_DDOS, _DOS, _RECON = (CATEGORIES.index(name) for name in (Category.DDOS, Category.DOS, Category.RECON))


def plausible(
    probabilities: NDArray[np.float32], facts: NDArray[np.void], window: WindowSettings
) -> NDArray[np.float32]:
    """Return probabilities, (m, 4), where classes that a window cannot show gave theirs to what it is."""
    interval_secs, horizon_secs = window.interval_ms / 1000, window.horizon_ms / 1000
    sources = np.maximum(facts["peers"], facts["interval_peers"])
    as_target = facts["role"] == Role.TARGET
    benign, _, dos, recon = probabilities.T
    flood = as_target & (deluge(facts, interval_secs) | torrents(facts) | overrun(facts, dos > benign))
    weighed = probabilities.copy()
    for source, to, lacks in (
        (_RECON, _BENIGN, ~asks(facts, horizon_secs)),
        (_DDOS, _DOS, as_target & (sources < DDOS_SOURCES)),
        (_DDOS, _RECON, as_target & decoys(facts, interval_secs)),
        (_DDOS, _BENIGN, as_target & clients(facts, horizon_secs) & ~flood),
        (_DOS, _RECON, inquiry(facts) & (dos < SURELY_FLOOD)),
        (_DOS, _BENIGN, client(facts, horizon_secs)),
        (_RECON, _DOS, (barrage(facts, interval_secs) | flood) & (recon < SURELY_SCAN)),
        (_BENIGN, _DOS, flood),
        (_BENIGN, _RECON, (~as_target & sweep(facts, horizon_secs) | probe(facts)) & (recon > benign)),
    ):
        weighed[lacks, to] += weighed[lacks, source]
        weighed[lacks, source] = 0.0
    return weighed
