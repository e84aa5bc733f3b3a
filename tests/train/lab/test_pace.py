"""Long worlds are unhurried; short ones are as they were drawn."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.lab.plan import Job, World
from train.lab.world import draw

seeds = st.integers(0, 1_000_000)
LONG = (300.0, 900.0)


def habits(world: World) -> Iterator[Job]:
    """Give what devices do all day."""
    for host in world.everyone:
        for job in host.jobs:
            if job.event is None and not job.program.startswith("serve"):
                yield job


def test_devices_of_a_long_world_pause_for_longer() -> None:
    def periods(secs: tuple[float, float]) -> list[float]:
        worlds = [draw(seed, "benign", secs) for seed in range(60)]
        return sorted(
            job.params["period"] for each in worlds for job in habits(each) if "period" in job.params
        )

    short, long = periods((8, 20)), periods(LONG)
    assert long[len(long) // 2] > 4 * short[len(short) // 2]
    assert long[len(long) // 20] < 10  # some hurry in any home


@given(seeds)
def test_in_a_long_world_what_is_busy_ends_within_a_minute(seed: int) -> None:
    world = draw(seed, "benign", LONG)
    for host in world.everyone:
        for job in host.jobs:
            assert job.start + job.seconds <= world.seconds + 1
            if job.event is not None and not job.program.startswith("serve"):
                assert job.seconds <= 60 or world.events[job.event].category is None
    for job in habits(world):
        assert job.seconds <= 60 or job.program not in {"camera-udp", "watch"}


@given(seeds)
def test_a_short_world_is_as_it_was_drawn(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("train.lab.world.slow_down", lambda _: None)
        as_drawn = draw(seed, None, (20, 60))
    assert draw(seed, None, (20, 60)) == as_drawn
