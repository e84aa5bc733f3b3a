"""The daemon: interfaces watched until somebody says stop.

Each interface has a worker, or several: threads that capture and meter. This thread takes what they
finished twenty times a second, scores what is due, and tells. Windows follow the worker that is furthest
behind, so that flows enter them in the order of packet time, whoever metered them.
"""

import time
from collections.abc import Callable

from detector.config import Config
from detector.handover import Handover
from detector.health import Health
from detector.heartbeat import BEAT_SECS, Heartbeat
from detector.logs import LOGGER
from detector.meter import Fanout, FlowTable, is_compiled
from detector.notify import Notifier
from detector.pipeline import Pipeline
from detector.records import NO_FLOWS, FlowBatch
from detector.reload import Reload
from detector.scoring import PATIENCE_SECS
from detector.steps import due_steps
from detector.worker import Worker

TURN_SECS = 0.05
"""Between two looks at what the workers finished."""

REPORT_SECS = 1.0
"""Between two updates of the metrics."""

_LAST_SECS = 2.0
"""What workers are given to read what came before the stop, and to end."""


class Daemon:
    """Watches interfaces through a pipeline."""

    def __init__(
        self,
        pipeline: Pipeline,
        config: Config,
        *,
        stopped: Callable[[], bool],
        notifier: Notifier | None = None,
        reload: Reload | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open every interface and begin to watch. `stopped` is asked every turn whether to end.

        The service manager hears through `notifier` that all is ready, once the first heartbeat has passed.

        Raises:
            CaptureError: one of them cannot be opened.
        """
        self._pipeline, self._config = pipeline, config
        self._stopped, self._clock = stopped, clock
        self._notifier, self._reload = notifier or Notifier({}), reload
        self._health = Health(pipeline.metrics, config.capture.silent_after_secs)
        self._reported = 0.0
        pipeline.patience_secs = PATIENCE_SECS
        self.workers: list[Worker] = []
        if not is_compiled():
            LOGGER.warning(
                "The packet loop runs in Python, four times slower: install a C compiler, then iotids again."
            )
        for name in config.capture.interfaces:
            self._watch(name)
        self._reached = [-1] * len(self.workers)
        """Packet time that each worker has reached."""
        self._heartbeat = Heartbeat(
            [(worker.name, worker.handover) for worker in self.workers],
            pipeline.pulse,
            every_secs=min(BEAT_SECS, (self._notifier.watchdog_secs or BEAT_SECS) / 3),
        )
        for worker in self.workers:
            worker.start()

    def _watch(self, name: str) -> None:
        """Add the workers of an interface; they are started when every interface is open."""
        workers = self._config.capture.workers
        fanout = Fanout(name) if workers > 1 else None
        for share in range(workers):
            table = self._pipeline.add_table() if share else self._pipeline.add_source(name, live=True)
            self._add_worker(name, table, fanout)
        LOGGER.info("Watching %s%s.", name, f" with {workers} workers" if workers > 1 else "")

    def _add_worker(self, name: str, table: FlowTable, fanout: Fanout | None) -> None:
        pipeline, number = self._pipeline, len(self._pipeline.tables) - 1
        # Of all workers of an interface together: more of them must not make a flood take more memory.
        handover = Handover(self._config.meter.max_queued_flows // self._config.capture.workers)
        pipeline.handovers.append(handover)
        worker = Worker(
            name,
            table,
            handover,
            open_capture=lambda: pipeline.open_capture(number, name, fanout),
            close_capture=lambda capture: pipeline.close_capture(number, capture),
            max_step_ms=self._config.capture.max_clock_step_ms,
            clock=self._clock,
        )
        self.workers.append(worker)

    def run(self) -> None:
        """Watch until stopped; then close what is open and return."""
        while not self._stopped():
            self.turn(TURN_SECS)
        self._finish()

    def turn(self, wait_secs: float) -> None:
        """Wait, take what the workers finished meanwhile, and score what is due."""
        time.sleep(wait_secs)
        self._take()
        self._raise_failures()
        self._beat()
        if self._reload is not None:
            self._reload.turn()
        if time.monotonic() - self._reported >= REPORT_SECS:
            self._reported = time.monotonic()
            self._report()

    def _beat(self) -> None:
        """Let the heart beat; the first beat says that all is ready, each that we live."""
        if self._heartbeat.turn():
            if self._heartbeat.beats == 1:
                self._notifier.ready()
            self._notifier.beat()
        stuck = self._heartbeat.stuck()
        if stuck is not None and stuck.capture is None:
            self._pipeline.scoring.replace()

    def _report(self) -> None:
        """Hand all counts to the metrics, and say how it goes."""
        stuck = self._heartbeat.stuck()
        troubles: dict[str, str | None] = dict.fromkeys(self._config.capture.interfaces)
        for worker in self.workers:
            hangs = stuck is not None and stuck.capture == worker.name
            troubles[worker.name] = troubles[worker.name] or ("hanging" if hangs else worker.trouble)
        for source, trouble in enumerate(troubles.values()):
            self._pipeline.set_blind(source, blind=trouble is not None)
        self._pipeline.report()
        self._pipeline.metrics.set_restarts(
            {
                "capture": sum(worker.reopened for worker in self.workers),
                "clock": max(worker.clock_steps for worker in self.workers),
                "scorer": self._pipeline.scoring.restarts,
            }
        )
        self._notifier.status(self._health.look(troubles))

    def _raise_failures(self) -> None:
        for worker in self.workers:
            if worker.failure is not None:
                raise worker.failure

    def _take(self) -> None:
        """Take what was finished; where a clock was set back, everything before that comes first."""
        flows: list[FlowBatch] = []
        windows = self._pipeline.windows
        windows.pressure = max(worker.handover.fill for worker in self.workers)
        for number, worker in enumerate(self.workers):
            for delivery in worker.handover.take():
                flows += delivery.flows
                self._reached[number] = delivery.now_ms
                if delivery.starts_anew:
                    self._pass_on(flows, delivery.now_ms, starts_anew=True)
                    flows = []
        self._pass_on(flows, min(self._reached), starts_anew=False)
        for worker in self.workers:
            worker.handover.ahead = windows.waiting // len(self.workers)

    def _pass_on(self, batches: list[FlowBatch], now_ms: int, *, starts_anew: bool) -> None:
        for batch in batches:
            self._pipeline.windows.push(batch)
        for step in due_steps(self._pipeline.windows, NO_FLOWS, now_ms, starts_anew=starts_anew):
            self._pipeline.take(step)
        self._pipeline.complete()

    def _finish(self) -> None:
        """Let the workers read what came before the stop, and everything go."""
        LOGGER.info("Stopping.")
        self._notifier.stopping()
        for worker in self.workers:
            worker.stop()
        deadline = time.monotonic() + _LAST_SECS
        while any(worker.running for worker in self.workers) and time.monotonic() < deadline:
            time.sleep(TURN_SECS / 5)
            self._take()
        self._take()
        self._pass_on([], max(0, *self._reached), starts_anew=True)
        self._pipeline.report()
        self._raise_failures()
