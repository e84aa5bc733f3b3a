"""Sends a run's packets out of an interface: `python -m tests.soak.sender IFACE --seed 1 --secs 60`.

Prints a line of JSON when it begins and one at the end. It ends by itself, or with its parent.
"""

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tests.bench.live_sender import BATCH, NAP_SECS, Wire, refuse_all_but_cables
from tests.bench.packets import Packets
from tests.soak.plan import plan
from tests.soak.traffic import scene, stream

_PIECE = 4096
"""Packets turned into frames at once: 6 MB."""


def send(
    wire: Wire,
    packets: Packets,
    began: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    nap: Callable[[float], None] = time.sleep,
) -> None:
    """Send each packet when its time has come, `began` being when a time of 0 was; all of them are sent."""
    for first in range(0, len(packets), _PIECE):
        piece = packets[first : first + _PIECE]
        wire.load(scene(piece))
        due_at, sent = began + piece["micros"] / 1e6, 0
        while sent < len(piece):
            due = int(np.searchsorted(due_at, clock(), side="right"))
            taken = wire.send(sent, min(due - sent, BATCH)) if due > sent else 0
            sent += taken
            if not taken:
                nap(NAP_SECS)


def main() -> None:
    """Send what the command line says."""
    parser = argparse.ArgumentParser(description="Send a soak's traffic out of an interface.")
    parser.add_argument("interface")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--secs", type=float, required=True)
    parser.add_argument("--networks", type=int, required=True)
    chosen = parser.parse_args()
    refuse_all_but_cables(chosen.interface)
    planned = plan(chosen.seed, chosen.secs)
    blocks = stream(planned, seed=chosen.seed, secs=chosen.secs, networks=chosen.networks)
    wire, packets = Wire(chosen.interface), 0
    with ThreadPoolExecutor(1) as maker:
        block: Packets | None = next(blocks)
        began = time.monotonic()
        print(json.dumps({"monotonic": began, "epoch": time.time()}), flush=True)  # noqa: T201 - the answer
        while block is not None:
            following = maker.submit(next, blocks, None)
            send(wire, block, began)
            packets += len(block)
            block = following.result()
    wire.close()
    print(json.dumps({"packets": packets}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
