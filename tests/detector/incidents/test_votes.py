from hypothesis import given
from hypothesis import strategies as st

from detector.incidents.votes import Votes
from detector.records import Category
from tests.detector.incidents.samples import evidence

SCAN, FLOOD = evidence(Category.RECON), evidence(Category.DOS)


def test_the_last_windows_of_a_voter_count() -> None:
    votes = Votes(within=3, max_age_ms=1000, max_voters=9)
    cast = [votes.cast("cam", vote, 1) for vote in (SCAN, None, FLOOD, SCAN)]
    assert cast == [[SCAN], [SCAN], [SCAN, FLOOD], [FLOOD, SCAN]]


def test_voters_are_counted_apart() -> None:
    votes = Votes(within=3, max_age_ms=1000, max_voters=9)
    votes.cast("cam", SCAN, 1)
    assert votes.cast("plug", FLOOD, 1) == [FLOOD]


def test_old_windows_no_longer_count() -> None:
    votes = Votes(within=3, max_age_ms=1000, max_voters=9)
    votes.cast("cam", SCAN, 0)
    assert votes.cast("cam", FLOOD, 999) == [SCAN, FLOOD]
    assert votes.cast("cam", FLOOD, 1000) == [FLOOD, FLOOD]


def test_a_voter_without_an_attack_takes_no_room() -> None:
    votes = Votes(within=2, max_age_ms=1000, max_voters=9)
    for vote, expected in [(None, 0), (SCAN, 1), (None, 1), (None, 0)]:
        votes.cast("cam", vote, 1)
        assert len(votes) == expected


def test_the_voter_silent_longest_is_forgotten_and_counted() -> None:
    votes = Votes(within=3, max_age_ms=1000, max_voters=2)
    for voter in ("cam", "plug", "cam", "lock"):
        votes.cast(voter, SCAN, 1)
    assert (len(votes), votes.evicted) == (2, 1)
    assert votes.cast("cam", SCAN, 1) == [SCAN, SCAN, SCAN]
    assert votes.cast("plug", SCAN, 1) == [SCAN]


def test_cleared_votes_are_gone() -> None:
    votes = Votes(within=3, max_age_ms=1000, max_voters=2)
    votes.cast("cam", SCAN, 1)
    votes.clear()
    assert len(votes) == 0
    assert votes.cast("cam", FLOOD, 1) == [FLOOD]


ballots = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from([None, SCAN, FLOOD]), st.integers(0, 600))
)


@given(ballots, st.integers(1, 4))
def test_with_room_for_all_a_voter_has_what_a_plain_list_has(
    ballots: list[tuple[str, object, int]], within: int
) -> None:
    votes = Votes(within, max_age_ms=1000, max_voters=4)
    history: list[tuple[str, object, int]] = []
    now = 0
    for voter, vote, step in ballots:
        now += step
        history.append((voter, vote, now))
        last = [(vote, at) for name, vote, at in history if name == voter][-within:]
        expected = [vote for vote, at in last if vote is not None and now - at < 1000]
        assert votes.cast(voter, vote, now) == expected  # type: ignore[arg-type]
        assert len(votes) <= 4


def test_resized_the_newest_votes_and_the_latest_voters_stay() -> None:
    votes = Votes(within=3, max_age_ms=1000, max_voters=9)
    for voter, vote in (("plug", SCAN), ("lock", SCAN), ("cam", SCAN), ("cam", FLOOD), ("cam", FLOOD)):
        votes.cast(voter, vote, 1)
    votes.resize(within=2, max_age_ms=1000, max_voters=2)
    assert (len(votes), votes.evicted) == (2, 1)
    assert votes.cast("cam", SCAN, 1) == [FLOOD, SCAN]
    assert votes.cast("plug", SCAN, 1) == [SCAN]
