"""One contender over captures, in a process of its own.

`python -m tests.bench.contender NAME BUNDLE CAPTURE...` prints one JSON object. The clock runs from the first
packet asked for to the last flow or alert given: libraries are loaded, model and capture reader ready
before it. That NFStreamer starts its meter's process only when it is iterated is a part of its work, and
inside. CPU seconds are those of the process and its children in that time. Memory is the peak of the
process and, where it has any, of its largest child, over its whole life; pages that the two share
count twice.
"""

import ctypes
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from detector.records import FlowBatch


class Seen(NamedTuple):
    """What a contender gave."""

    packets: int
    """Those in the flows that it gave: none may be missing."""
    flows: int


Run = Callable[[], Seen]


def libpcap(bundle: Path | None, captures: list[Path]) -> Run:  # noqa: ARG001 - as the others
    """Read every packet and do nothing with it: nobody who reads through libpcap can be faster.

    The libpcap is the one inside NFStream's extension, which NFStreamer and iotids read through. The
    callback is libc's `abs`: it looks at nothing but its first argument, in a register, so that
    being called with three is harmless under C's calling conventions, and no Python runs in the loop.
    """
    import _lib_engine  # noqa: PLC0415 - not for the others

    library, error = ctypes.CDLL(_lib_engine.__file__), ctypes.create_string_buffer(256)
    library.pcap_open_offline.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.pcap_open_offline(str(captures[0]).encode(), error))
    nothing = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p)

    def run() -> Seen:
        if library.pcap_loop(handle, -1, nothing, None):
            raise SystemExit(f"{captures[0]}: broken")
        return Seen(0, 0)

    return run


class Tally:
    """Adds flows up."""

    def __init__(self) -> None:
        self.packets = self.flows = 0

    def add(self, flows: FlowBatch) -> None:
        self.packets += int(flows["bidirectional_packets"].sum())
        self.flows += len(flows)

    def seen(self) -> Seen:
        return Seen(self.packets, self.flows)


def meter(bundle: Path | None, captures: list[Path]) -> Run:
    """Turn packets into `FlowBatch`es, with the timeouts of the bundle; what NFStreamer does, and no more."""
    from tests.bench import path  # noqa: PLC0415 - not for the others

    pipeline, tally = path.pipeline(bundle), Tally()

    def run() -> Seen:
        for flows in path.metered(pipeline, captures[0]):
            tally.add(flows)
        return tally.seen()

    return run


def iotids(bundle: Path | None, captures: list[Path]) -> Run:
    """Go the whole way: flows, windows, scores, incidents, alerts in a file."""
    from detector.replay import Replay  # noqa: PLC0415 - not for the others
    from tests.bench import path  # noqa: PLC0415

    alerts = captures[0].with_suffix(".alerts")
    alerts.unlink(missing_ok=True)
    pipeline, tally = path.pipeline(bundle, alerts), Tally()
    replay = Replay(pipeline, on_flows=tally.add)

    def run() -> Seen:
        for _ in replay.run([str(captures[0])]):
            pass
        pipeline.sinks.close()
        return tally.seen()

    return run


def in_turns(bundle: Path | None, captures: list[Path]) -> Run:
    """Go the whole way with several captures at once, a flow table each, one after the other in turns."""
    from tests.bench import path  # noqa: PLC0415 - not for the others

    pipeline, tally = path.pipeline(bundle), Tally()

    def run() -> Seen:
        for step in path.in_turns(pipeline, captures):
            tally.add(step.flows)
            pipeline.take(step)
        return tally.seen()

    return run


def nfstreamer(captures: list[Path], **timeouts: int) -> Run:
    """Iterate NFStreamer and do nothing with what it gives; without deep packet inspection, like iotids."""
    from nfstream import NFStreamer  # noqa: PLC0415 - not for the others

    streamer = NFStreamer(
        source=str(captures[0]), statistical_analysis=True, n_dissections=0, n_meters=1, **timeouts
    )

    def run() -> Seen:
        flows = packets = 0
        for flow in streamer:
            flows += 1
            packets += flow.bidirectional_packets
        return Seen(packets, flows)

    return run


CONTENDERS: dict[str, Callable[[Path | None, list[Path]], Run]] = {
    "libpcap": libpcap,
    "meter": meter,
    "iotids": iotids,
    "NFStreamer": lambda _, captures: nfstreamer(captures),
    "NFStreamer 1 s": lambda _, captures: nfstreamer(captures, idle_timeout=1, active_timeout=1),
    "in turns": in_turns,
}


def _cpu_secs() -> float:
    used = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_kb() -> int:
    """Return this process's peak; `ru_maxrss` would begin with that of the parent."""
    status = Path("/proc/self/status").read_text()
    own = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    return own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def main() -> None:
    """Measure what the command line names."""
    name, bundle, *captures = sys.argv[1:]
    run = CONTENDERS[name](Path(bundle) if bundle else None, [Path(each) for each in captures])
    cpu, begun = _cpu_secs(), time.monotonic()
    seen = run()
    secs = time.monotonic() - begun
    multiprocessing.active_children()  # waits for those that ended, or their time would not count
    found = {"secs": secs, "cpu_secs": _cpu_secs() - cpu, "peak_mb": _peak_kb() / 1024, **seen._asdict()}
    print(json.dumps(found))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
