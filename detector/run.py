"""What the commands do: put the path together and let it run."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path

from detector.bundle import ModelBundle, load_bundle
from detector.config import Config, check_bundle, check_reload
from detector.daemon import Daemon
from detector.errors import CaptureError, ConfigError, IotidsError, UsageError
from detector.features import SCHEMA
from detector.flowlog import FlowLog
from detector.logs import LOGGER, in_background
from detector.meter import ENGINE_VERSION, Capture
from detector.metrics import check_textfile
from detector.notify import Notifier
from detector.pipeline import Pipeline
from detector.records import Alert, State
from detector.reload import Prepared, Reload, check_same_shape
from detector.replay import Replay, capture_files
from detector.scorer import OnnxScorer
from detector.shadow import Shadow
from detector.sinks import AlertSink, JsonLinesSink, LogSink, Rotation, SinkSet, StreamSink, network_sinks

STDOUT = "-"


def open_bundle(config: Config) -> ModelBundle:
    """Load the bundle that the configuration names, or the shipped one, and hold the two together."""
    path = Path(config.bundle) if config.bundle else None
    key = Path(config.bundle_key) if config.bundle_key else None
    bundle = load_bundle(path, schema_digest=SCHEMA.digest, nfstream_version=ENGINE_VERSION, key=key)
    meter = bundle.meter
    check_bundle(config, idle_timeout_ms=meter.idle_timeout_ms, active_timeout_ms=meter.active_timeout_ms)
    return bundle


def _build(config: Config, *, live: bool) -> Pipeline:
    bundle = open_bundle(config)
    sinks: list[AlertSink] = []
    if config.output.alerts == STDOUT:
        sinks.append(StreamSink(FileIO(sys.stdout.fileno(), "wb", closefd=False)))
    elif config.output.alerts:
        keep = config.output.rotated_files
        rotation = Rotation(config.output.rotate_bytes, keep) if config.output.rotate_bytes else None
        sinks.append(JsonLinesSink(Path(config.output.alerts), rotation))
    if live:
        sinks += network_sinks(config)
    if live and config.output.alerts != STDOUT:
        sinks.append(LogSink(LOGGER))
    queued = config.output.max_queued_alerts if live else None
    pipeline = Pipeline(config, bundle, OnnxScorer(bundle), SinkSet(sinks, LOGGER, queued=queued))
    pipeline.shadow = _open_shadow(config, bundle)
    return pipeline


def _open_shadow(config: Config, bundle: ModelBundle) -> Shadow | None:
    """Load the second bundle that the configuration names, if it can be shown the first one's windows."""
    if config.shadow.bundle is None:
        return None
    other = open_bundle(config.model_copy(update={"bundle": config.shadow.bundle}))
    check_same_shape(bundle, other)
    return Shadow(other, OnnxScorer(other), config.thresholds)


def check(config: Config) -> None:
    """Check configuration, bundle, sinks and the right to capture; read no packet, and send nothing."""
    bundle = open_bundle(config)
    OnnxScorer(bundle)
    _open_shadow(config, bundle)
    _check_writable(config.output.alerts)
    for sink in network_sinks(config):
        sink.close()
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


def self_test(config: Config) -> None:
    """Send made traffic through the path, and print a line for each class.

    Raises:
        IotidsError: a class did not fire, or something did that should not have.
    """
    from detector import selftest  # noqa: PLC0415 - no other run needs it

    failed = []
    for result in selftest.run(config, open_bundle(config)):
        failed += [] if result.passed else [result.category]
        print(f"{'ok' if result.passed else 'FAILED':7}{result.category:8}{result.told}")  # noqa: T201
    if failed:
        raise IotidsError(
            f"self-test: {', '.join(failed)} not as expected, which is one incident of that class, and none "
            "for Benign; see [thresholds] and the bundle"
        )


class Asked:
    """Turns signals into a question with the answer yes, once somebody sent one."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self._asked = False
        for number in numbers:
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self._asked = True

    def __call__(self) -> bool:
        """Tell whether a signal came."""
        return self._asked

    def once(self) -> bool:
        """Tell whether a signal came since the last call."""
        asked, self._asked = self._asked, False
        return asked


_STOP = (signal.SIGTERM, signal.SIGINT)


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
    pipeline = _build(config, live=False)
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
        stopped=Asked(*_STOP),
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


@in_background()
def watch(config: Config, reread: Callable[[], Config]) -> None:
    """Watch interfaces until told to stop; on SIGHUP take over what `reread` gives, if that is possible."""
    stop, hangup, notifier = Asked(*_STOP), Asked(signal.SIGHUP), Notifier()
    pipeline = _build(config, live=True)

    def prepare() -> Prepared:
        wanted = reread()
        check_reload(config, wanted)
        bundle = open_bundle(wanted)
        check_same_shape(pipeline.bundle, bundle)
        return Prepared(wanted, bundle, OnnxScorer(bundle), _open_shadow(wanted, bundle))

    reload = Reload(pipeline, prepare, asked=hangup.once, notifier=notifier)
    server = pipeline.metrics.serve(config.metrics) if config.metrics.enabled else None
    try:
        Daemon(pipeline, config, stopped=stop, notifier=notifier, reload=reload).run()
    finally:
        pipeline.sinks.close()
        if server:
            server.close()
        notifier.close()
