"""The one process of a host: runs its jobs when their time comes and says when they really ran."""

import asyncio
import contextlib
import json
import os
import random
import sys
import time
import traceback
from collections.abc import AsyncIterator

from train.lab.plan import Host, Job
from train.lab.registry import PROGRAMS

_TICK_SECONDS = 0.002
"""Senders wait no shorter than this; below it they catch up in a burst, as real ones do."""


class Actor:
    """A host at work. Programs get it as their view of the machine they run on."""

    def __init__(self, host: Host, seed: int, origin: float, directory: str) -> None:
        self.host = host
        self.origin = origin
        """Wall-clock time of the world's first moment."""
        self.directory = directory
        """Shared scratch folder of the world (certificates, broker settings)."""
        self.rng = random.Random(f"{seed}/{host.name}")  # noqa: S311 - traffic, not secrets

    async def run(self) -> None:
        """Run all jobs, then stay: a host that is done is still there. Never returns.

        Writes one JSON line per event job to `<host>.log`.
        """
        async with asyncio.TaskGroup() as group:
            for job in self.host.jobs:
                group.create_task(self._run(job))
        await asyncio.Event().wait()

    async def _run(self, job: Job) -> None:
        await asyncio.sleep(self.origin + job.start - time.time())
        started = time.time()
        trouble = None
        try:
            async with asyncio.timeout(job.seconds):
                await PROGRAMS[job.program](self, job)
        except TimeoutError:
            pass
        except (OSError, asyncio.IncompleteReadError, ValueError, ExceptionGroup) as error:
            # Connections break in a lab full of floods; a job that fails is told, the world goes on.
            trouble = repr(error)
            if not isinstance(error, (ConnectionError, asyncio.IncompleteReadError)):
                traceback.print_exc(file=sys.stderr)
        self._log(job, started, trouble)

    def _log(self, job: Job, started: float, trouble: str | None) -> None:
        if job.event is None and trouble is None:
            return
        line = {
            "host": self.host.name,
            "program": job.program,
            "event": job.event,
            "start": started,
            "end": time.time(),
            "trouble": trouble,
        }
        with open(os.path.join(self.directory, f"{self.host.name}.log"), "a", encoding="utf-8") as file:  # noqa: PTH118, PTH123
            file.write(json.dumps(line) + "\n")

    async def tool(self, *argv: str, stdin: bytes | None = None) -> int:
        """Run a program of others to its end; it dies with the job. Returns its exit code."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.directory,
        )
        try:
            await process.communicate(stdin)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
        return process.returncode or 0

    def left(self, job: Job) -> float:
        """Seconds until the job is ended."""
        return self.origin + job.start + job.seconds - time.time()

    async def paced(self, rate: float, *, shape: str = "steady", count: int = 10**9) -> AsyncIterator[int]:
        """Yield 0, 1, ... at `rate` per second on average, until `count` or the job's end.

        `shape`: steady; poisson (random gaps); bursts (one second on, half a second off, at 1.5 times
        the rate); ramp (from a tenth to the full rate in five seconds); pulses (0.3 s at three times
        the rate, then 0.7 s of silence).
        """
        began = time.monotonic()
        due = 0.0
        for number in range(count):
            now = time.monotonic() - began
            if due > now:
                await asyncio.sleep(max(due - now, _TICK_SECONDS))
            elif number % 64 == 0:
                await asyncio.sleep(0)
                # Far behind: the machine is too slow for this rate, so do not try to catch up.
                due = max(due, now - 0.05)
            yield number
            due += self._gap(rate, shape, due)

    def _gap(self, rate: float, shape: str, at: float) -> float:
        if shape == "poisson":
            return self.rng.expovariate(rate)
        if shape == "ramp":
            return 1 / (rate * min(1.0, 0.1 + at * 0.18))
        if shape == "bursts":
            return 0.5 if at % 1.5 >= 1.0 else 1 / (1.5 * rate)
        if shape == "pulses":
            return 0.7 if at % 1.0 >= 0.3 else 1 / (3 * rate)  # noqa: PLR2004 - as the docstring of `paced` says
        return 1 / rate
