"""Unhurried life: in a long world devices report by the minute, and what is busy ends after a while.

A short world has to show a device's habits within seconds, so its devices are never idle for long, and a
forest told the lab from real networks by the pauses between flows more than by anything else.
"""

from dataclasses import replace

from train.lab.draft import Draft
from train.lab.plan import Job

UNHURRIED_SECS = 90.0
"""Worlds that last longer are slowed down; shorter ones stay as they were drawn."""

_BUSY_SECS = 60.0
"""No busy scene and nobody who watches a camera lasts longer, in such a world."""

_LEAST, _SHARE = 2.0, 0.1
"""How much slower life is: from the one to the other, a share of the world's seconds."""

_SPREAD = (0.4, 1.2)
"""Powers of the world's pace that its habits are slowed down by: some devices hurry in any home."""

_PAUSES, _RATES = ("period", "pause"), ("rate",)
_STREAMS = ("camera-udp", "watch")


def slow_down(draft: Draft) -> None:
    """Slow a long world's habits down, and end its busy scenes. Attacks are drawn after it."""
    if draft.seconds <= UNHURRIED_SECS:
        return
    pace = draft.between(_LEAST, max(_LEAST, _SHARE * draft.seconds))
    for host in (draft.gateway, *draft.hosts):
        host.jobs = [_slowed(draft, job, pace) for job in host.jobs]


def _slowed(draft: Draft, job: Job, pace: float) -> Job:
    if job.program.startswith("serve"):
        return job
    if job.program in _STREAMS:
        start, seconds = draft.span(5, _BUSY_SECS)
        return replace(job, start=start, seconds=seconds)
    if job.event is not None:
        return replace(job, seconds=min(job.seconds, _BUSY_SECS))
    factor = pace ** draft.rng.uniform(*_SPREAD)
    slower = {key: job.params[key] * factor for key in _PAUSES if key in job.params}
    slower |= {key: job.params[key] / factor for key in _RATES if key in job.params}
    start = draft.rng.uniform(0, draft.seconds / 4)
    return replace(job, start=start, seconds=draft.seconds - start, params=job.params | slower)
