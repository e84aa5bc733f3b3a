"""What the commands do: put the path together and let it run."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from detector.bundle import ModelBundle, load_bundle
from detector.config import Config, check_bundle
from detector.daemon import Daemon
from detector.errors import CaptureError, ConfigError, IotidsError, UsageError
from detector.features import SCHEMA
from detector.flowlog import FlowLog
from detector.logs import LOGGER
from detector.meter import ENGINE_VERSION, Capture
from detector.metrics import check_textfile
from detector.pipeline import Pipeline
from detector.records import Alert, State
from detector.replay import Replay, capture_files
from detector.scorer import OnnxScorer
from detector.sinks import AlertSink, JsonLinesSink, LogSink, SinkSet, StreamSink

STDOUT = "-"


def open_bundle(config: Config) -> ModelBundle:
    """Load the bundle that the configuration names, or the shipped one, and hold the two together."""
    path = Path(config.bundle) if config.bundle else None
    bundle = load_bundle(path, schema_digest=SCHEMA.digest, nfstream_version=ENGINE_VERSION)
    meter = bundle.meter
    check_bundle(config, idle_timeout_ms=meter.idle_timeout_ms, active_timeout_ms=meter.active_timeout_ms)
    return bundle


def _build(config: Config, *, log_alerts: bool) -> Pipeline:
    bundle = open_bundle(config)
    sinks: list[AlertSink] = []
    if config.output.alerts == STDOUT:
        sinks.append(StreamSink(sys.stdout.buffer))
    elif config.output.alerts:
        sinks.append(JsonLinesSink(Path(config.output.alerts)))
    if log_alerts:
        sinks.append(LogSink(LOGGER))
    pipeline = Pipeline(config, bundle, OnnxScorer(bundle), SinkSet(sinks, LOGGER))
    pipeline.metrics.set_reload(successful=True, at=time.time())
    return pipeline


def check(config: Config) -> None:
    """Check configuration, bundle, alerts file and the right to capture; read no packet."""
    bundle = open_bundle(config)
    OnnxScorer(bundle)
    _check_writable(config.output.alerts)
    for name in config.capture.interfaces:
        Capture.open_interface(name, config.capture, decode_tunnels=config.meter.decode_tunnels).close()
    watched = ", ".join(config.capture.interfaces) or "no interface configured"
    print(f"ok: configuration; bundle {bundle.name} ({bundle.digest}); capture: {watched}")  # noqa: T201


def _check_writable(alerts: str | None) -> None:
    """Refuse an alerts file that the run could not write, without making it."""
    if alerts is None or alerts == STDOUT:
        return
    path = Path(alerts)
    writable = not path.is_dir() and os.access(path, os.W_OK) if path.exists() else _takes_files(path.parent)
    if not writable:
        raise ConfigError(
            f"alerts file {path}: cannot be written; expected a file that this user can create or append to, "
            "give another or - for standard output"
        )


def _takes_files(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


class Stop:
    """Turns SIGTERM and SIGINT into a question with the answer yes."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self._asked = True

    def __call__(self) -> bool:
        """Tell whether somebody asked to stop."""
        return self._asked


def replay(
    config: Config,
    paths: Sequence[str],
    *,
    speed: float | None,
    flows: Path | None,
    metrics_textfile: Path | None,
) -> None:
    """Replay captures, print what they held, and fail if one of them was broken."""
    if metrics_textfile:
        check_textfile(metrics_textfile)
    files = capture_files(list(paths))
    _refuse_overwriting(files, {"--flows": flows, "--alerts": config.output.alerts})
    pipeline = _build(config, log_alerts=False)
    flow_log = FlowLog(flows) if flows else None
    run, closed = _run(pipeline, files, speed, flow_log)
    pipeline.sinks.close()
    if flow_log:
        flow_log.close()
    _summarise(config, closed, pipeline)
    if metrics_textfile:
        pipeline.metrics.write_textfile(metrics_textfile)
    _raise_problems(run, pipeline)


def _run(
    pipeline: Pipeline, files: list[str], speed: float | None, flow_log: FlowLog | None
) -> tuple[Replay, list[Alert]]:
    """Replay with a progress bar where somebody looks; return also the alerts that close incidents."""
    bar = None
    if sys.stderr.isatty():
        from detector.summary import Bar  # noqa: PLC0415 - rich takes 0.1 s that only a terminal need pay

        bar = Bar(files, sys.stderr)
    run = Replay(
        pipeline,
        speed=speed,
        on_flows=flow_log.write if flow_log else None,
        on_progress=bar.show if bar else None,
        stopped=Stop(),
    )
    try:
        return run, [alert for alert in run.run(files) if alert.state is State.CLOSE]
    finally:
        if bar:
            bar.close()


def _refuse_overwriting(files: Sequence[str], outputs: dict[str, Path | str | None]) -> None:
    """Refuse to write into a capture that is to be read."""
    for option, output in outputs.items():
        if output is None or not Path(output).exists():
            continue
        for file in files:
            if Path(file).exists() and Path(file).samefile(output):
                raise UsageError(f"{option} {output}: is the capture to be read; name another file")


def _summarise(config: Config, closed: Sequence[Alert], pipeline: Pipeline) -> None:
    """Print the table where it does not disturb: beside the alerts on stdout, or to stderr."""
    from detector import summary  # noqa: PLC0415 - rich takes 0.1 s, which the first packet need not wait for

    packets, ignored, _ = pipeline.totals(0).now()
    summary.show(
        closed,
        sys.stderr if config.output.alerts == STDOUT else sys.stdout,
        packets=packets,
        ignored=sum(ignored.values()),
    )


def _raise_problems(run: Replay, pipeline: Pipeline) -> None:
    failed = sum(pipeline.sinks.errors.values())
    if run.problems:
        raise CaptureError("; ".join(map(str, run.problems)))
    if failed:
        raise IotidsError(f"{failed} writes of alerts failed; see the log above, and check the disk")


def watch(config: Config) -> None:
    """Watch interfaces until told to stop."""
    stop = Stop()
    pipeline = _build(config, log_alerts=config.output.alerts != STDOUT)
    server = pipeline.metrics.serve(config.metrics) if config.metrics.enabled else None
    try:
        Daemon(pipeline, config, stopped=stop).run()
    finally:
        pipeline.sinks.close()
        if server:
            server.close()
