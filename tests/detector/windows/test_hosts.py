"""Slots for hosts: bounded, never shared, and strangers displace strangers only."""

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.windows.hosts import Hosts


def place(into: Hosts, hosts: Iterable[int]) -> tuple[list[int], list[int]]:
    slots, fresh = into.place(np.array(list(hosts), np.uint64))
    return slots.tolist(), fresh.tolist()


def prove(into: Hosts, slots: list[int]) -> None:
    into.prove(np.array(slots, np.int64))


class Reference:
    """The same, one host after the other."""

    def __init__(self, capacity: int) -> None:
        self.half = capacity // 2
        self.probation: OrderedDict[int, int] = OrderedDict()
        self.proven: OrderedDict[int, int] = OrderedDict()
        self.free = list(range(capacity - 1, -1, -1))
        self.evicted = 0

    def place(self, hosts: list[int]) -> tuple[list[int], list[int]]:
        slots = [self.touch(host) for host in hosts]
        strangers = [at for at, slot in enumerate(slots) if slot < 0]
        room = self.half - sum(host in self.probation for host in hosts)
        turned_away = max(len(strangers) - room, 0)
        self.evicted += turned_away
        fresh = []
        for at in strangers[turned_away:]:
            if len(self.probation) >= self.half:
                self.evict(self.probation)
            slots[at] = self.probation[hosts[at]] = self.free.pop()
            fresh.append(slots[at])
        return slots, fresh

    def touch(self, host: int) -> int:
        for segment in (self.proven, self.probation):
            if host in segment:
                segment.move_to_end(host)
                return segment[host]
        return -1

    def prove(self, hosts: list[int]) -> None:
        for host in hosts:
            if host in self.probation:
                slot = self.probation.pop(host)
                if len(self.proven) >= self.half:
                    self.evict(self.proven)
                self.proven[host] = slot

    def evict(self, segment: OrderedDict[int, int]) -> None:
        self.free.append(segment.popitem(last=False)[1])
        self.evicted += 1


def assert_like_reference(capacity: int, steps: list[tuple[list[int], set[int]]]) -> None:
    """Run steps of hosts seen, and those of them that would be proven, through both."""
    hosts, reference = Hosts(capacity), Reference(capacity)
    for seen, proven in steps:
        slots, fresh = place(hosts, seen)
        assert (slots, fresh) == reference.place(seen)
        moving = [
            (host, slot) for host, slot in zip(seen, slots, strict=True) if slot >= 0 and host in proven
        ]
        prove(hosts, [slot for _, slot in moving])
        reference.prove([host for host, _ in moving])
        assert hosts.evicted == reference.evicted
        assert len(hosts) == len(reference.probation) + len(reference.proven) <= capacity


few = st.integers(0, 25)
some_steps = st.lists(
    st.tuples(st.lists(few, unique=True, max_size=14), st.sets(few, max_size=8)), max_size=40
)


@given(capacity=st.integers(2, 12), steps=some_steps)
def test_it_does_what_ordered_dictionaries_would(
    capacity: int, steps: list[tuple[list[int], set[int]]]
) -> None:
    assert_like_reference(capacity, steps)


@pytest.mark.parametrize("seed", range(3))
def test_long_runs_do_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = []
    for _ in range(300):
        seen = rng.choice(400, rng.integers(0, 90), replace=False).tolist()
        steps.append((seen, set(rng.choice(seen, len(seen) // 6, replace=False).tolist()) if seen else set()))
    assert_like_reference(100, steps)


def test_a_host_keeps_its_slot() -> None:
    hosts = Hosts(8)
    slots, fresh = place(hosts, [1, 2, 3])
    assert sorted(fresh) == sorted(slots)
    assert place(hosts, [3, 1]) == ([slots[2], slots[0]], [])


def test_the_stranger_unseen_for_longest_makes_room() -> None:
    hosts = Hosts(4)
    (first, second), _ = place(hosts, [1, 2])
    place(hosts, [1])
    assert place(hosts, [3]) == ([second], [second])
    assert place(hosts, [1]) == ([first], [])
    assert hosts.evicted == 1


def test_strangers_do_not_displace_proven_hosts() -> None:
    hosts = Hosts(8)
    known, _ = place(hosts, [1, 2, 3])
    prove(hosts, known)
    for stranger in range(100, 200):
        place(hosts, [stranger])
    assert place(hosts, [1, 2, 3]) == (known, [])


def test_proven_hosts_displace_one_another() -> None:
    hosts = Hosts(4)
    for host in (1, 2, 3):
        prove(hosts, place(hosts, [host])[0])
    assert (hosts.evicted, len(hosts)) == (1, 2)
    assert place(hosts, [2, 3])[1] == []
    assert len(place(hosts, [1])[1]) == 1


def test_of_too_many_newcomers_the_last_stay() -> None:
    hosts = Hosts(8)
    slots, fresh = place(hosts, range(10))
    assert slots[:6] == [-1] * 6
    assert slots[6:] == fresh
    assert hosts.evicted == 6


def test_newcomers_do_not_displace_who_came_with_them() -> None:
    hosts = Hosts(8)
    known, _ = place(hosts, [1, 2])
    slots, _ = place(hosts, [10, 11, 12, 1, 13, 2])
    assert (slots[3], slots[5]) == (known[0], known[1])
    assert slots[:2] == [-1, -1]
    assert -1 not in slots[2:]


def test_nobody_comes() -> None:
    hosts = Hosts(8)
    assert place(hosts, []) == ([], [])
    prove(hosts, [])
    assert len(hosts) == 0
