"""The lab makes captures with a truth that holds, goes on where it stopped, and leaves nothing behind."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.errors import UsageError
from detector.records import Category
from train.lab import tools, truth
from train.lab.draft import Draft
from train.lab.plan import World
from train.lab.run import _check, make, name, namespaced, run

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or bool(tools.missing()), reason="needs root and the lab's programs"
)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'wormhole'.*benign, recon, dos, ddos, mixed"):
        run(tmp_path, 1, 1, kind="wormhole")


def test_a_command_in_namespaces_is_tied_to_its_caller() -> None:
    command = namespaced(["true"])
    assert command[1:3] == ["--pdeathsig", "KILL"]
    assert {"--kill-child", "--pid", "--net", "--mount", "--fork"} <= set(command)
    assert command[-2:] == ["--", "true"]


def small_world(seed: int = 1, seconds: float = 3.5) -> World:
    """One device that answers, another that pings it, and 120 probes from a third."""
    draft = Draft(seed, "recon", (seconds, seconds), devices=(2, 2))
    one, other = draft.devices
    for host in draft.hosts:
        host.sysctls["net.ipv4.icmp_ratelimit"] = "0"
    draft.serve(one, "serve-http", 80)
    draft.run(other, "ping", target=one.address, period=0.2)
    attacker = draft.add_device("attacker")
    event = draft.event(Category.RECON, "probe", [attacker.address], [one.address])
    draft.run(
        attacker, "raw-sweep", (1.0, 1.5), event=event, source=attacker.address, targets=[one.address],
        ports=list(range(1, 121)), rate=200,
    )  # fmt: skip
    world = draft.world()
    world.unseen = []
    return world


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ([("Recon", "probe", 240)], None),
        ([("Recon", "probe", 5)], "probe left 5 packets, fewer than 6"),
        ([(truth.OTHER, "probe", 240)], None),  # slower than what it is called, but there
        ([(truth.OTHER, "ssh-guessing", 240)], "probe left 0 packets, fewer than 6"),
        ([("Benign", "pages", 240)], "probe left 0 packets, fewer than 6"),
    ],
)
def test_a_capture_holds_the_attack_that_it_is_named_after(
    tmp_path: Path, told: list[tuple[str, str, int]], refused: str | None
) -> None:
    path = tmp_path / "truth.json"
    events = [{"class": category, "tool": tool, "packets": packets} for category, tool, packets in told]
    path.write_text(json.dumps({"packets": 500, "events": events}))
    assert _check(small_world(), path) == refused


@pytest.mark.live
@needs_namespaces
def test_what_a_one_way_tap_misses_is_not_in_the_capture(tmp_path: Path) -> None:
    world = small_world()
    attacker, victim = world.events[0].attackers[0], world.events[0].victims[0]
    world.unseen = [host.mac for host in world.hosts if host.address == victim]
    assert make(world, tmp_path) is None
    rows = list(truth.packets(tmp_path / f"{name(world)}.pcap"))
    assert sum((one, other) == (attacker, victim) for _, one, other in rows) >= 120
    assert not any(one == victim for _, one, _ in rows)


@pytest.mark.live
@needs_namespaces
def test_a_world_becomes_a_capture_whose_truth_holds(tmp_path: Path) -> None:
    world = small_world()
    assert make(world, tmp_path) is None
    document = json.loads((tmp_path / f"{name(world)}.json").read_text())
    (event,) = document["events"]
    rows = list(truth.packets(tmp_path / f"{name(world)}.pcap"))
    attacker, victim = event["attackers"][0], event["victims"][0]
    probes = [at for at, one, other in rows if (one, other) == (attacker, victim)]
    replies = [at for at, one, other in rows if (one, other) == (victim, attacker)]
    assert len(probes) >= 120
    assert len(replies) >= 100
    assert len(probes) + len(replies) == event["packets"] < len(rows)
    assert (event["start"], event["end"]) == (min(probes), pytest.approx(max(probes + replies)))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name(world)}.json", f"{name(world)}.pcap"]


@pytest.mark.live
@needs_namespaces
def test_a_set_goes_on_where_it_stopped(tmp_path: Path) -> None:
    (tmp_path / "benign-000007.json").write_text("{}")
    result = run(tmp_path, 2, 6, 2, kind="benign", seconds=(3, 3))
    assert (result.made, result.kept, result.failed) == (["benign-000006"], ["benign-000007"], {})
    assert (tmp_path / "benign-000007.json").read_text() == "{}"


@needs_namespaces
def test_two_runs_do_not_make_worlds_in_one_folder(tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(UsageError, match=f"{tmp_path}: another iotids-train lab"):
        run(tmp_path, 1, 1, kind="benign")
    assert list(tmp_path.iterdir()) == []
    os.close(other)
    (tmp_path / "benign-000001.json").write_text("{}")
    assert run(tmp_path, 1, 1, kind="benign").kept == ["benign-000001"]


@pytest.mark.live
@needs_namespaces
def test_a_world_that_cannot_be_built_is_told_in_one_line(tmp_path: Path) -> None:
    world = small_world()
    world.hosts[-1].addresses = ["no address at all"]
    trouble = make(world, tmp_path)
    assert trouble is not None
    assert "\n" not in trouble
    assert list(tmp_path.iterdir()) == []


def descendants(pid: int) -> set[int]:
    """All processes below one, by what /proc says now."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def namespaces(pids: set[int]) -> set[str]:
    """The network namespaces of some processes."""
    return set(_links([Path(f"/proc/{pid}") for pid in pids]))


def marked(mark: str) -> set[int]:
    """All processes with a mark in their environment: what a lab started, and what that started.

    Numbers of namespaces are given again at once, so another lab on this machine may have ours.
    """
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes():
                found.add(int(path.parent.name))
    return found


def _links(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        try:
            yield str((path / "ns" / "net").readlink())
        except OSError:
            continue


@pytest.mark.live
@needs_namespaces
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_lab_killed_in_the_middle(tmp_path: Path, sign: signal.Signals) -> None:
    links = Path("/sys/class/net")
    before = sorted(path.name for path in links.iterdir())
    program = [sys.executable, "-c", "from train.cli import main; main()", "lab"]
    command = [*program, "--out", str(tmp_path), "--count", "2", "--kind", "ddos"]
    mark = f"LAB_TEST={tmp_path}"
    environment = {**os.environ, "LAB_TEST": str(tmp_path)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment) as lab:
        processes = _until_many(lab.pid)
        assert len(processes & marked(mark)) > 6
        lab.send_signal(sign)
        lab.wait(30)
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline and marked(mark):
        time.sleep(0.1)
    assert marked(mark) == set()
    assert sorted(path.name for path in links.iterdir()) == before


def _until_many(pid: int) -> set[int]:
    """Wait until the lab's worlds stand; return their processes."""
    own = namespaces({os.getpid()})
    for _ in range(150):
        time.sleep(0.1)
        if len(namespaces(descendants(pid)) - own) > 6:
            time.sleep(2)
            return descendants(pid)
    raise AssertionError("the lab built no world in 15 s")
