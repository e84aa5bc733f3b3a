"""One contender over one capture, in a process of its own: `python -m tests.bench.contender NAME CAPTURE`.

Prints one JSON object. Times are wall-clock seconds; memory is the peak of the process and, where it has
any, of its largest child.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def iotids(capture: str, started: float, bundle: str | None) -> dict[str, float]:
    """Run the whole path, from the command line to alerts in a file."""
    from detector import cli, pipeline  # noqa: PLC0415 - a part of what is measured

    first: list[float] = []
    paths: list[pipeline.Pipeline] = []
    read, report = pipeline.pump, pipeline.Pipeline.report

    def noting(*arguments: Any) -> Any:
        if not first:
            first.append(time.monotonic())
        return read(*arguments)

    def keeping(path: pipeline.Pipeline) -> None:
        paths.append(path)
        report(path)

    vars(pipeline)["pump"] = noting
    type.__setattr__(pipeline.Pipeline, "report", keeping)
    words = ["--pcap", capture, "--alerts", f"{capture}.alerts", *(["--bundle", bundle] if bundle else [])]
    if cli.run_app(lambda each: cli.app(each, standalone_mode=False), words):
        raise SystemExit("iotids failed")
    (path,) = paths
    return {
        "start_up_secs": first[0] - started,
        "secs": time.monotonic() - first[0],
        "packets": path.totals(0).now()[0],
        "flows": sum(path.tables[0].expired.values()),
    }


def nfstreamer(capture: str, started: float, **timeouts: int) -> dict[str, float]:
    """Iterate NFStreamer and do nothing with what it gives."""
    from nfstream import NFStreamer  # noqa: PLC0415 - a part of what is measured

    begun = time.monotonic()
    streamer = NFStreamer(source=capture, statistical_analysis=True, n_dissections=0, n_meters=1, **timeouts)
    flows = packets = 0
    first = None
    for flow in streamer:
        first = first or time.monotonic()
        flows += 1
        packets += flow.bidirectional_packets
    return {
        "start_up_secs": begun - started,
        "secs": time.monotonic() - begun,
        "packets": packets,
        "flows": flows,
    }


def _peak_kb() -> int:
    """Return this process's peak; `ru_maxrss` would begin with that of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def main() -> None:
    """Measure what the command line names."""
    name, capture, started, *bundle = sys.argv[1:]
    if name == "iotids":
        Path(f"{capture}.alerts").unlink(missing_ok=True)
        found = iotids(capture, float(started), bundle[0] if bundle else None)
    elif name == "NFStreamer":
        found = nfstreamer(capture, float(started))
    else:
        found = nfstreamer(capture, float(started), idle_timeout=1, active_timeout=1)
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    found["cpu_secs"] = sum(each.ru_utime + each.ru_stime for each in used)
    found["peak_mb"] = (_peak_kb() + used[1].ru_maxrss) / 1024
    print(json.dumps(found), file=sys.stderr)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
