"""Make a set of captures: one world after another, some side by side, each in namespaces of its own."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from detector.errors import UsageError
from detector.records import Category
from train.lab import tools
from train.lab.plan import World
from train.lab.world import KINDS, QUIET, draw

_GRACE_SECONDS = 40.0
"""A world that takes so much longer than its own time is stuck, and killed."""


_FEWEST_ATTACK_PACKETS = 6


@dataclass(slots=True)
class Result:
    """What became of a set; names are file names without suffix."""

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Were there before."""
    failed: dict[str, str] = field(default_factory=dict)
    """Name to what went wrong, one line."""


def run(
    out: Path,
    count: int,
    seed: int,
    workers: int = 2,
    *,
    kind: str | None = None,
    seconds: tuple[float, float] = (8, 20),
) -> Result:
    """Make `count` captures, `<out>/<kind>-<seed>.pcap` with its truth beside it as `.json`.

    World n has seed `seed + n`, so a larger count or another run continues a set. What has its truth is
    kept, whatever else is there is made again.

    Raises:
        UsageError: a program is missing, the kind is unknown, namespaces cannot be made here, or another
            run makes worlds in the same folder.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"unknown kind of world {kind!r}: expected one of {', '.join(KINDS)}")
    tools.require()
    _require_namespaces()
    out.mkdir(parents=True, exist_ok=True)
    worlds = [draw(number, kind, seconds) for number in range(seed, seed + count)]
    with _alone(out):
        return _make_all(worlds, out, workers)


def _make_all(worlds: list[World], out: Path, workers: int) -> Result:
    """Make the worlds that are not there."""
    result, todo = Result(), []
    for world in worlds:
        if (out / f"{name(world)}.json").exists():
            result.kept.append(name(world))
        else:
            todo.append(world)
    with _progress(len(worlds), len(result.kept)) as advance, ThreadPoolExecutor(workers) as pool:
        futures: dict[Future[str | None], World] = {pool.submit(make, world, out): world for world in todo}
        try:
            for future in as_completed(futures):
                _note(result, name(futures[future]), future.result())
                advance(name(futures[future]))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            _kill_all()
            raise
    return result


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other runs out of a folder: two would make the same worlds, each over the other's parts."""
    folder = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"{out}: another iotids-train lab makes worlds there; let it end, or name another --out"
            ) from error
        yield
    finally:
        os.close(folder)


def _note(result: Result, world: str, trouble: str | None) -> None:
    if trouble is None:
        result.made.append(world)
    else:
        result.failed[world] = trouble


def name(world: World) -> str:
    return f"{world.kind}-{world.seed:06d}"


_running: set[subprocess.Popen[str]] = set()
_lock = threading.Lock()


def _kill_all() -> None:
    with _lock:
        for process in _running:
            process.kill()


def namespaced(argv: list[str]) -> list[str]:
    """Return the command that runs `argv` as first process of new namespaces, and dies with its caller.

    `setpriv --pdeathsig` ties `unshare` to the thread that starts it, `--kill-child` ties the first process
    to `unshare`, and the PID namespace ties everything else to the first process.
    """
    unshare = [str(tools.find("unshare")), "--net", "--pid", "--mount", "--ipc", "--fork", "--kill-child"]
    return [str(tools.find("setpriv")), "--pdeathsig", "KILL", *unshare, "--mount-proc", "--", *argv]


def _require_namespaces() -> None:
    done = subprocess.run(namespaced(["true"]), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise UsageError(f"no network namespaces here ({done.stderr.strip()}): run the lab as root")


def make(world: World, out: Path) -> str | None:
    """Make one capture and its truth. Returns what went wrong, in one line, or None."""
    out = out.resolve()
    plan, capture, truth = (out / f".{name(world)}.{suffix}.part" for suffix in ("world", "pcap", "json"))
    plan.write_text(json.dumps(world.to_json()), encoding="utf-8")
    argv = namespaced([sys.executable, "-m", "train.lab.play", str(plan), str(capture), str(truth)])
    try:
        trouble = _play(argv, world.seconds + _GRACE_SECONDS)
        if trouble is None:
            trouble = _check(world, truth)
        if trouble is None:
            capture.replace(out / f"{name(world)}.pcap")
            truth.replace(out / f"{name(world)}.json")
        return trouble
    finally:
        for path in (plan, capture, truth):
            path.unlink(missing_ok=True)


def _play(argv: list[str], patience: float) -> str | None:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        with _lock:
            _running.add(process)
        try:
            _, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return f"took longer than {patience:.0f} s"
        finally:
            with _lock:
                _running.discard(process)
    if process.returncode:
        return (errors.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
    if errors.strip():
        sys.stderr.write(errors)
    return None


def _check(world: World, truth: Path) -> str | None:
    """Refuse a capture with next to nothing of the attack that it is named after, or of what it became."""
    report = json.loads(truth.read_text(encoding="utf-8"))
    if not report["packets"]:
        return "the capture is empty"
    tools = [event.tool for event in world.events if event.category not in {Category.BENIGN, None}]
    seen = sum(event["packets"] for event in report["events"] if event["tool"] in tools)
    if world.kind not in QUIET and seen < _FEWEST_ATTACK_PACKETS:
        return f"{', '.join(tools)} left {seen} packets, fewer than {_FEWEST_ATTACK_PACKETS}"
    return None


@contextlib.contextmanager
def _progress(total: int, done: int) -> Iterator["Advance"]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("worlds", total=total, completed=done)
        yield Advance(progress, task)


class Advance:
    """Moves the bar on by one world."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def __call__(self, description: str) -> None:
        self._progress.update(self._task, advance=1, description=description)
