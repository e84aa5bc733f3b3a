from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic import Frame
from tests.train import augmented
from tests.train.augmented import ETHERNET, RAW, SLL, VICTIM
from train.extract import extract_capture
from train.mixing import Mix, survey
from train.packets import ends, write
from train.scene import Scene, save_truth, scene
from train.truth import read_events


def scenes(folder: Path, attackers: list[str], link: int = ETHERNET) -> tuple[Scene, Scene]:
    event = augmented.event("Recon" if len(attackers) == 1 else "DDoS", attackers)
    frames = [*augmented.life(30), *augmented.flood(attackers)]
    attack = augmented.write(folder / "lab", "recon-1", frames, event)
    benign = augmented.write(folder / "lab", "benign-2", augmented.life(200), link=link)
    return scene(attack), scene(benign)


def mixed(attack: Scene, benign: Scene, seed: str = "1") -> Mix:
    surveys = survey(attack), survey(benign)
    assert surveys[0] is not None
    assert surveys[1] is not None
    return Mix(attack, benign, (surveys[0], surveys[1]), seed)


def test_a_survey_counts_what_will_be_used(tmp_path: Path) -> None:
    attack, benign = scenes(tmp_path, ["10.0.0.66"])
    found = survey(attack)
    assert found is not None
    assert found.hosts == {ip_address(VICTIM).packed: 120}
    assert found.seconds == pytest.approx(0.591)
    whole = survey(benign)
    assert whole is not None
    assert len(whole.hosts) == 5
    assert survey(scene(augmented.write(tmp_path, "benign-3", []))) is None


@pytest.mark.parametrize("link", [ETHERNET, SLL, RAW])
@given(seed=st.text(max_size=4), attackers=st.integers(1, 2))
def test_benign_packets_stay_and_attacks_come_from_strangers(
    link: int,
    seed: str,
    attackers: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    hosts = ["10.0.0.66", "10.0.0.67"][:attackers]
    attack, benign = scenes(tmp_path_factory.mktemp("mix"), hosts, link)
    mix = mixed(attack, benign, seed)
    packets = list(mix.packets())
    stamps = [packet.at_us for packet in packets]
    assert stamps == sorted(stamps)
    told, before = mix.told(), augmented.packets(benign.source.path)
    added = Counter(packets) - Counter(before)
    assert Counter(before) - Counter(packets) == Counter()
    assert 0 < added.total() <= 120
    (event,) = told["events"]
    known = {ip_address(host).packed for host in event["attackers"]}
    benign_hosts = {host for packet in before if (k := ends(packet.data, link)) for host in (k.src, k.dst)}
    assert len(known) == len(hosts)
    assert known.isdisjoint(benign_hosts)
    for packet in added:
        found = ends(packet.data, link)
        assert found is not None
        assert len({found.src, found.dst} & known) == 1
        assert len({found.src, found.dst} & benign_hosts) == 1
        assert event["start"] - 0.001 <= packet.at_us / 1e6 <= event["end"] + 0.001
    assert list(mixed(attack, benign, seed).packets()) == packets


def test_the_truth_of_a_mix_labels_its_windows(tmp_path: Path) -> None:
    attack, benign = scenes(tmp_path, ["10.0.0.66"])
    mix = mixed(attack, benign)
    write(tmp_path / "x.pcap", mix.link, mix.packets())
    save_truth(tmp_path / "x.json", mix.told())
    found = extract_capture(tmp_path / "x.pcap", read_events(tmp_path / "x.json"))
    assert set(found.labels.tolist()) >= {0, 3}
    alone = extract_capture(benign.source.path, 0)
    assert (found.labels == 0).sum() >= 0.8 * len(alone.labels)


def test_a_mix_names_both_its_parents(tmp_path: Path) -> None:
    attack, _ = scenes(tmp_path, ["10.0.0.66"])
    benign = scene(augmented.write(tmp_path / "home", "benign-2", augmented.life(200)))
    told = mixed(attack, benign).told()
    assert told["origin"] == "lab"
    assert [parent["origin"] for parent in told["parents"]] == ["lab", "home"]
    assert (told["category"], told["default_class"], told["layout"]) == ("Recon", "Benign", "lab")


def test_other_victims_stay_apart(tmp_path: Path) -> None:
    victims = [f"10.0.3.{number}" for number in range(1, 40)]
    frames: list[Frame] = [
        frame._replace(at_ms=frame.at_ms + 5 * number)
        for number, victim in enumerate(victims)
        for frame in augmented.flood(["10.0.0.66"], 1 + (number == 4), victim)
    ]
    event = augmented.event("Recon", ["10.0.0.66"], ["*"])
    attack = scene(augmented.write(tmp_path / "lab", "recon-3", frames, event))
    benign = scene(augmented.write(tmp_path / "lab", "benign-2", augmented.life(400)))
    mix = mixed(attack, benign)
    packets = list(mix.packets())
    own = {ip_address(host).packed for host in mix.told()["events"][0]["attackers"]}
    hit = {k.dst for packet in packets if (k := ends(packet.data, 1)) and k.src in own}
    assert len(hit) == len(victims)
    assert all(str(ip_address(host)).startswith("192.168.") for host in hit)
