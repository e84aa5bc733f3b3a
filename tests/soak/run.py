"""A run: packets sent and trouble made by plan, the daemon looked at, and all of it counted at the end."""

import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any, NamedTuple

from tests.bench.live_daemon import Metrics
from tests.bench.live_programs import (
    Counts,
    MeasureError,
    WaitedTooLongError,
    bounded,
    counts,
    running,
    until,
)
from tests.bench.live_sending import Sender
from tests.soak.faults import Troubles
from tests.soak.plan import Plan, plan
from tests.soak.samples import Sample, sample
from tests.soak.stage import PLUG, WATCHED, Stage, stage

SAMPLE_SECS = 1.0
_TICK_SECS = 0.1
_SETTLE_SECS = 60.0
"""The longest wait, after the last packet, for incidents to close and alerts to be sent."""
_REPORT_SECS = 2.0
"""After this the metrics tell all that has happened: they are updated once a second."""


class Result(NamedTuple):
    """What is known at the end."""

    plan: Plan
    secs: float
    epoch: float
    """When the first packet was sent, in seconds since the epoch."""
    sent: int
    plug: Counts
    watched: Counts
    samples: list[Sample]
    metrics: Metrics
    """The last of them, when nothing was open or waiting any more."""
    alerts: list[dict[str, Any]]
    """Those in files."""
    torn: int
    """Lines in files that a full disk broke off."""
    taken: dict[str, int]
    """How often the receiver took each alert."""
    reloads: dict[str, int]
    """Asked for."""
    beats: list[float]
    """When the service manager heard that the daemon lives, in seconds after the first packet."""
    log: str
    settled: bool
    stop_secs: float


def run(folder: Path, *, seed: int, secs: float, networks: int, bundle: Path | None) -> Result:
    """Run it, in network namespaces of its own.

    Raises:
        MeasureError: the daemon or the sender died.
    """
    planned = plan(seed, secs)
    words = [sys.executable, "-m", "tests.soak.sender", PLUG]
    words += ["--seed", str(seed), "--secs", str(secs), "--networks", str(networks)]
    with ExitStack() as stack:
        found = stack.enter_context(stage(folder, bundle))
        before = counts(PLUG), counts(WATCHED)
        process = stack.enter_context(running(bounded(words, secs + 120), stdout=PIPE, stderr=PIPE))
        sender, troubles, samples = Sender(process), Troubles(found), list[Sample]()
        try:
            _follow(found, sender, planned, troubles, samples)
        except MeasureError as error:
            last_said = found.log.read_text().splitlines()[-10:]
            at = samples[-1].at if samples else 0.0
            raise MeasureError(
                "\n".join([f"{at:.0f} s after the first packet: {error}", *last_said])
            ) from error
        sent = int(sender.line()["packets"])
        settled = _settle(found, sender.began, samples)
        last, metrics = sample(found.subject, sender.began)
        plug, watched = (counts(name).since(then) for name, then in zip((PLUG, WATCHED), before, strict=True))
        alerts, torn = found.alerts()
        heard = zip(found.manager.listen(), found.manager.at, strict=True)
        return Result(
            plan=planned,
            secs=secs,
            epoch=sender.began_epoch,
            sent=sent,
            plug=plug,
            watched=watched,
            samples=[*samples, last],
            metrics=metrics,
            alerts=alerts,
            torn=torn,
            taken=dict(found.receiver.taken),
            reloads=troubles.reloads,
            beats=[at - sender.began for line, at in heard if line == "WATCHDOG=1"],
            stop_secs=found.subject.stop(),
            log=found.log.read_text(),
            settled=settled,
        )


def _follow(found: Stage, sender: Sender, planned: Plan, troubles: Troubles, samples: list[Sample]) -> None:
    """Make trouble and look at the daemon until the sender ends."""
    begin, end = list(planned.faults), sorted(planned.faults, key=lambda fault: fault.ends)
    stopped = False
    while sender.busy():
        now = time.monotonic() - sender.began
        while begin and begin[0].begins <= now:
            stopped |= begin[0].kind == "process stopped"
            troubles.make(begin.pop(0))
        while end and end[0].ends <= now:
            stopped &= end[0].kind != "process stopped"
            troubles.mend(end.pop(0))
        found.manager.listen()
        if not stopped and (not samples or now - samples[-1].at >= SAMPLE_SECS):
            samples.append(sample(found.subject, sender.began)[0])
        time.sleep(_TICK_SECS)


def _settle(found: Stage, began: float, samples: list[Sample]) -> bool:
    """Wait until no incident is open and nothing waits; return whether that came to be."""

    def quiet() -> bool:
        found.manager.listen()
        samples.append(sample(found.subject, began)[0])
        time.sleep(SAMPLE_SECS)
        return samples[-1].open_incidents == 0 and samples[-1].queued == 0

    with suppress(WaitedTooLongError):
        until(quiet, _SETTLE_SECS, "no open incident, and no alert that waits")
        time.sleep(_REPORT_SECS)
        return True
    return False
