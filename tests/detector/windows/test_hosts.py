"""Slots for hosts: bounded, never shared, and strangers displace strangers only."""

from hypothesis import given
from hypothesis import strategies as st

from detector.windows.hosts import Hosts


def test_a_host_keeps_its_slot() -> None:
    hosts = Hosts(8)
    slots, fresh = hosts.place([1, 2, 3])
    assert sorted(fresh) == sorted(slots)
    assert hosts.place([3, 1]) == ([slots[2], slots[0]], [])


def test_the_stranger_unseen_for_longest_makes_room() -> None:
    hosts = Hosts(4)
    (first, second), _ = hosts.place([1, 2])
    hosts.place([1])
    assert hosts.place([3]) == ([second], [second])
    assert hosts.place([1]) == ([first], [])
    assert hosts.evicted == 1


def test_strangers_do_not_displace_proven_hosts() -> None:
    hosts = Hosts(8)
    known, _ = hosts.place([1, 2, 3])
    hosts.prove([1, 2, 3])
    for stranger in range(100, 200):
        hosts.place([stranger])
    assert hosts.place([1, 2, 3]) == (known, [])


def test_proven_hosts_displace_one_another() -> None:
    hosts = Hosts(4)
    for host in (1, 2, 3):
        hosts.place([host])
        hosts.prove([host])
    assert (hosts.evicted, len(hosts)) == (1, 2)
    assert hosts.place([2, 3])[1] == []
    assert len(hosts.place([1])[1]) == 1


def test_of_too_many_newcomers_the_last_stay() -> None:
    hosts = Hosts(8)
    slots, fresh = hosts.place(list(range(10)))
    assert slots[:6] == [-1] * 6
    assert slots[6:] == fresh
    assert hosts.evicted == 6


def test_newcomers_do_not_displace_who_came_with_them() -> None:
    hosts = Hosts(8)
    known, _ = hosts.place([1, 2])
    slots, _ = hosts.place([10, 11, 12, 1, 13, 2])
    assert (slots[3], slots[5]) == (known[0], known[1])
    assert slots[:2] == [-1, -1]
    assert -1 not in slots[2:]


def test_proving_an_unknown_host_does_nothing() -> None:
    hosts = Hosts(8)
    hosts.prove([5])
    assert len(hosts) == 0


steps = st.lists(
    st.tuples(
        st.lists(st.integers(0, 25), unique=True, max_size=14), st.sets(st.integers(0, 25), max_size=4)
    ),
    max_size=20,
)


@given(capacity=st.integers(2, 12), steps=steps)
def test_slots_are_never_shared_and_nobody_is_lost_uncounted(
    capacity: int, steps: list[tuple[list[int], set[int]]]
) -> None:
    hosts, admitted, turned_away = Hosts(capacity), 0, 0
    owners: dict[int, int] = {}
    for seen, proven in steps:
        slots, fresh = hosts.place(seen)
        taken = [slot for slot in slots if slot >= 0]
        assert len(set(taken)) == len(taken)
        assert all(0 <= slot < capacity for slot in taken)
        for host, slot in zip(seen, slots, strict=True):
            assert slot < 0 or slot in fresh or owners[slot] == host
            owners[slot] = host
        admitted, turned_away = admitted + len(fresh), turned_away + slots.count(-1)
        hosts.prove([host for host in seen if host in proven])
        assert len(hosts) <= capacity
        assert len(hosts) + hosts.evicted == admitted + turned_away
