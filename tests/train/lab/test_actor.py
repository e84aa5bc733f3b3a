"""A host's process keeps time."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from train.lab.actor import Actor
from train.lab.plan import Host, Job
from train.lab.registry import PROGRAMS, program


@program
async def sleepy_for_test(_me: Actor, job: Job) -> None:
    """Outlive the job's time, or fail where `fail` is set."""
    if job.params.get("fail"):
        raise OSError("cable pulled")
    await asyncio.sleep(60)


def actor(directory: Path, *jobs: Job) -> Actor:
    host = Host(name="cam", kind="camera", mac="", addresses=["10.0.0.2/24"], jobs=list(jobs))
    return Actor(host, 1, time.time(), str(directory))


async def count(me: Actor, rate: float, shape: str, seconds: float) -> int:
    numbers = 0
    try:
        async with asyncio.timeout(seconds):
            async for _ in me.paced(rate, shape=shape):
                numbers += 1
    except TimeoutError:
        pass
    return numbers


@pytest.mark.parametrize("shape", ["steady", "poisson"])
def test_a_pace_is_kept(tmp_path: Path, shape: str) -> None:
    assert 60 <= asyncio.run(count(actor(tmp_path), 300, shape, 0.5)) <= 240


def test_a_ramp_begins_slowly(tmp_path: Path) -> None:
    assert 5 <= asyncio.run(count(actor(tmp_path), 300, "ramp", 0.5)) <= 60


def test_a_count_ends_a_pace(tmp_path: Path) -> None:
    async def numbers() -> list[int]:
        return [number async for number in actor(tmp_path).paced(5000, count=20)]

    assert asyncio.run(numbers()) == list(range(20))


def run_briefly(me: Actor) -> list[dict[str, object]]:
    """Run the actor for half a second and return its log."""

    async def briefly() -> None:
        await asyncio.wait_for(me.run(), 0.5)

    with pytest.raises(TimeoutError):
        asyncio.run(briefly())
    log = Path(me.directory) / "cam.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_a_job_is_ended_by_its_time_and_logged(tmp_path: Path) -> None:
    (line,) = run_briefly(actor(tmp_path, Job(program="sleepy-for-test", start=0.1, seconds=0.2, event=3)))
    assert line["event"] == 3
    assert line["trouble"] is None
    assert 0.15 < float(str(line["end"])) - float(str(line["start"])) < 0.4


def test_a_job_that_fails_is_told_and_the_host_lives_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = run_briefly(
        actor(tmp_path, Job(program="sleepy-for-test", start=0, seconds=0.2, params={"fail": True}))
    )
    assert "cable pulled" in str(line["trouble"])
    assert "cable pulled" in capsys.readouterr().err


def test_jobs_without_event_or_trouble_leave_no_line(tmp_path: Path) -> None:
    assert run_briefly(actor(tmp_path, Job(program="sleepy-for-test", start=0, seconds=0.1))) == []


def test_a_tool_dies_with_its_job(tmp_path: Path) -> None:
    async def tool() -> None:
        async with asyncio.timeout(0.2):
            await actor(tmp_path).tool("sleep", "60")

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(tool())
    assert time.monotonic() - began < 5


def test_programs_are_known_by_their_names_with_hyphens() -> None:
    assert PROGRAMS["sleepy-for-test"] is sleepy_for_test
