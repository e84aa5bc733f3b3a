from pathlib import Path

from detector.features import SCHEMA
from detector.records import Role
from tests.train import samples
from train.datasets import CaptureWindows, Entry, join, save_capture
from train.ordinary import Ordinary, ordinary_of
from train.survey import Surveyed

BENIGN, DOS, RECON = 0, 2, 3
CALM = Ordinary(
    limits={
        **dict.fromkeys(
            ("recent_flows", "recent_packets", "recent_unanswered", "recent_peers"), (20.0, 10.0)
        ),
        **dict.fromkeys(("ports", "unanswered", "recent_ports", "peers"), (5.0, 3.0)),
    }
)


def windows(labels: list[int], role: Role = Role.SOURCE, **shown: float) -> CaptureWindows:
    """Windows that show what is named and otherwise nothing: features of the newest flow, or facts."""
    made = samples.windows(labels)
    made.sequences[:, -1, [SCHEMA.index(name) for name in SCHEMA.names if name.startswith("recent")]] = 0.0
    made.facts["role"], made.facts["ports"], made.facts["peers"] = role, 1, 1
    for name, value in shown.items():
        if name in (made.facts.dtype.names or ()):
            made.facts[name] = value
        else:
            made.sequences[:, -1, SCHEMA.index(name)] = value
    return made


def entry(layout: str = "manifest", capture: str = "c") -> Entry:
    return samples.entry("o", "DoS", capture).model_copy(update={"layout": layout})


def test_an_attack_that_exceeds_what_is_ordinary_in_nothing_is_quiet() -> None:
    assert CALM.quiet(windows([DOS], recent_flows=19.0)).all()
    assert not CALM.quiet(windows([DOS], recent_flows=21.0)).any()
    assert not CALM.quiet(windows([DOS], Role.TARGET, recent_flows=19.0)).any()
    assert CALM.quiet(windows([RECON], recent_flows=1e6)).all()  # a scan is no flood
    assert not CALM.quiet(windows([RECON], ports=6)).any()


def test_a_scan_of_many_hosts_is_seen_from_its_source_alone() -> None:
    assert not CALM.quiet(windows([RECON], peers=30)).any()
    assert CALM.quiet(windows([RECON], Role.TARGET, peers=30)).all()


def test_what_is_benign_or_of_the_lab_is_never_quiet() -> None:
    assert not CALM.quiet(windows([BENIGN, -1])).any()
    both = join([windows([DOS, DOS]), windows([DOS, BENIGN])], [entry("lab", "a"), entry(capture="b")])
    assert CALM.quiet_of(both).tolist() == [False, False, True, False]


def test_every_benign_capture_weighs_the_same() -> None:
    """One in twenty windows of the two captures together, though one has a hundred times as many."""
    many, few = windows([BENIGN] * 1000, recent_flows=1.0), windows([BENIGN] * 10, recent_flows=50.0)
    found = Ordinary.of(join([many, few], [entry(capture="a"), entry(capture="b")]))
    assert found.limits["recent_flows"] == (50.0, 0.0)
    found = Ordinary.of(join([many, windows([BENIGN] * 10)], [entry(capture="a"), entry(capture="b")]))
    assert found.limits["recent_flows"] == (1.0, 0.0)


def surveyed(capture: str, category: str) -> Surveyed:
    return Surveyed(capture, "o", category, 9, 9, 1.0, 1, None, {}, {})


def test_what_is_ordinary_is_measured_on_what_a_survey_holds_for_benign(tmp_path: Path) -> None:
    made = {"life": ("Benign", 5.0), "busy": ("Benign", 500.0), "flood": ("DoS", 400.0)}
    entries = [
        save_capture(
            tmp_path,
            windows([BENIGN if category == "Benign" else DOS] * 20, recent_flows=flows),
            capture=name,
            origin="o",
            category=category,
            licence="MIT",
        )
        for name, (category, flows) in made.items()
    ]
    survey = {"life": surveyed("life", "Benign"), "flood": surveyed("flood", "DoS")}
    found = ordinary_of(tmp_path, samples.index(*entries), survey, cap_windows=10)
    assert found is not None
    assert found.limits["recent_flows"][Role.SOURCE] == 5.0
    assert ordinary_of(tmp_path, samples.index(*entries), {}, cap_windows=10) is None
