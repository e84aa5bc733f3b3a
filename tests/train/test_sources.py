import json
from pathlib import Path
from typing import Any

import pytest

from detector.errors import UsageError
from detector.records import CATEGORIES
from train.sources import CaptureSource, from_lab, from_manifest, from_names, from_table, merged
from train.truth import LEFT_OUT, Event

BENIGN, DDOS, DOS, RECON = range(len(CATEGORIES))


def row(file: str, category: str, **more: Any) -> dict[str, Any]:
    return {"file": file, "class": category, "origin": "sgr", "licence": "none stated", "packets": 1, **more}


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


class TestManifest:
    def test_names_captures_and_their_truth(self, tmp_path: Path) -> None:
        rows = [row("a.pcap", "Recon"), row("b.pcap", "other"), row("c.pcap", "mixed", labels="c.json")]
        (tmp_path / "manifest.json").write_text(json.dumps(rows))
        found = from_manifest(tmp_path / "manifest.json", tmp_path)
        assert [each.truth for each in found] == [RECON, -1, tmp_path / "c.json"]
        assert [each.category for each in found] == ["Recon", "other", "mixed"]
        assert found[0] == CaptureSource(tmp_path / "a.pcap", "a.pcap", "sgr", "Recon", "none stated", RECON)

    @pytest.mark.parametrize("rows", [[row("c.pcap", "mixed")], [{"file": "a"}], 3, [[]]])
    def test_that_leaves_questions_is_refused(self, tmp_path: Path, rows: object) -> None:
        (tmp_path / "manifest.json").write_text(json.dumps(rows))
        with pytest.raises(UsageError, match="no readable list of captures"):
            from_manifest(tmp_path / "manifest.json", tmp_path)

    def test_that_is_nested_too_deep_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_bytes(b"[" * 5000)
        with pytest.raises(UsageError, match="no readable list of captures"):
            from_manifest(tmp_path / "manifest.json", tmp_path)


class TestLab:
    def test_captures_are_those_with_their_truth_beside_them(self, tmp_path: Path) -> None:
        touch(tmp_path, "recon-1.pcap", "recon-1.json", "mixed-2.pcap", "mixed-2.json", "dos-3.pcap")
        found = from_lab(tmp_path, "lab")
        assert [(each.name, each.category) for each in found] == [
            ("lab/mixed-2", "mixed"),
            ("lab/recon-1", "Recon"),
        ]
        assert found[1].truth == tmp_path / "recon-1.json"
        assert found[1].licence == "MIT (own traffic)"

    def test_a_truth_names_tools_and_where_it_comes_from(self, tmp_path: Path) -> None:
        told = {
            "origin": "sgr",
            "category": "recon",
            "licence": "CC BY-NC-SA 4.0",
            "layout": "manifest",
            "parents": [{"origin": "sgr", "content": "b"}, {"origin": "iotsentinel", "content": "a"}],
            "events": [{"tool": "nmap"}, {"tool": "nmap"}, {"class": "Recon"}],
        }
        touch(tmp_path, "x-2.pcap", "x-2.json")
        (tmp_path / "x-2.json").write_text(json.dumps(told))
        (found,) = from_lab(tmp_path)
        assert found == CaptureSource(
            path=tmp_path / "x-2.pcap",
            name="sgr/x-2",
            origin="sgr",
            category="Recon",
            licence="CC BY-NC-SA 4.0",
            truth=tmp_path / "x-2.json",
            layout="manifest",
            tools=("nmap",),
            parents=("iotsentinel",),
            made_from=("a", "b"),
        )


class TestNames:
    def test_of_ciciomt2024_tell_the_label(self, tmp_path: Path) -> None:
        folder = touch(
            tmp_path / "cic",
            "attacks/TCP_IP-DDoS-SYN1_train.pcap",
            "attacks/MQTT-DoS-Connect_Flood_test.pcap",
            "attacks/Recon-Port_Scan_test.pcap",
            "attacks/MQTT-Malformed_Data_train.pcap",
            "attacks/ARP_Spoofing_test.pcap",
            "benign/Benign_test.pcap",
            "profiling/Power_idle.pcap",
            "readme.txt",
        )
        found, unknown = from_names(folder, licence="see its publisher")
        assert {each.path.name: each.truth for each in found} == {
            "TCP_IP-DDoS-SYN1_train.pcap": DDOS,
            "MQTT-DoS-Connect_Flood_test.pcap": DOS,
            "Recon-Port_Scan_test.pcap": RECON,
            "MQTT-Malformed_Data_train.pcap": LEFT_OUT,
            "ARP_Spoofing_test.pcap": LEFT_OUT,
            "Benign_test.pcap": BENIGN,
        }
        assert unknown == ["Power_idle.pcap"]
        assert {(each.origin, each.licence) for each in found} == {("cic", "see its publisher")}
        tools = {each.path.name: each.tools for each in found}
        assert tools["TCP_IP-DDoS-SYN1_train.pcap"] == ("TCP_IP-DDoS-SYN",)
        assert tools["Benign_test.pcap"] == ()

    def test_that_tell_two_labels_tell_none(self, tmp_path: Path) -> None:
        assert from_names(touch(tmp_path, "dos-and-recon.pcap"))[1] == ["dos-and-recon.pcap"]


class TestTable:
    def write(self, folder: Path, *lines: str) -> Path:
        (folder / "labels.csv").write_text("\n".join(lines) + "\n")
        return folder

    def test_labels_whole_captures(self, tmp_path: Path) -> None:
        lines = ("file,label,origin,licence", "a.pcap,recon,home,CC0", "sub/b.pcap,Other,home,")
        found = from_table(self.write(tmp_path, *lines))
        assert [(each.name, each.truth, each.category, each.licence) for each in found] == [
            ("home/a.pcap", RECON, "Recon", "CC0"),
            ("home/sub/b.pcap", LEFT_OUT, "other", "not stated"),
        ]
        assert found[1].path == tmp_path / "sub/b.pcap"

    def test_tells_attacks_one_by_one(self, tmp_path: Path) -> None:
        (found,) = from_table(
            self.write(
                tmp_path,
                "file,label,attackers,victims,start,end,origin",
                "a.pcap,DoS,10.0.0.66,10.0.0.7,1700000000,1700000009.5,home",
                "a.pcap,Recon,10.0.0.66 2001:db8::/64,*,1700000020,1700000030,",
            )
        )
        assert (found.category, found.origin) == ("mixed", "home")
        assert found.truth == (
            Event(DOS, ("10.0.0.66",), ("10.0.0.7",), 1_700_000_000_000, 1_700_000_009_501),
            Event(RECON, ("10.0.0.66", "2001:db8::/64"), ("*",), 1_700_000_020_000, 1_700_000_030_001),
        )

    @pytest.mark.parametrize(
        ("lines", "complaint"),
        [
            (("file,label,origin", "a.pcap,Rekon,home"), r"labels\.csv, line 2: label 'Rekon' is none of"),
            (("file,label,origin", "a.pcap,Recon,x", "b.pcap,DoS,"), r"line 3: no value for origin"),
            (("name,label,origin", "a.pcap,Recon,home"), r"expected columns file,label,origin"),
            (
                ("file,label,attackers,victims,start,end", "a.pcap,DoS,10.0.0.0.1,*,1,2"),
                r"line 2: '10\.0\.0\.0\.1' does not appear",
            ),
            (("file,label,attackers,victims,start,end", "a.pcap,DoS,*,*,1,"), r"no value for end"),
            (("file,label,origin", "a.pcap,DoS,x", "a.pcap,Recon,x"), r"a\.pcap has a label for the whole"),
            (
                (
                    "file,label,attackers,victims,start,end,origin",
                    "a,DoS,*,*,1,2,x",
                    "a,DoS,*,*,3,4,y",
                ),
                r"a is of several origins, x, y",
            ),
        ],
    )
    def test_that_leaves_questions_is_one_line(
        self, tmp_path: Path, lines: tuple[str, ...], complaint: str
    ) -> None:
        with pytest.raises(UsageError, match=complaint) as refused:
            from_table(self.write(tmp_path, *lines))
        assert "\n" not in str(refused.value)

    def test_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"labels\.csv.*expected columns"):
            from_table(tmp_path)


def test_two_captures_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = (from_lab(touch(tmp_path / part / "lab", "dos-1.pcap", "dos-1.json")) for part in "ab")
    assert merged(one) == one
    with pytest.raises(UsageError, match=r"would both be 'lab/dos-1'; rename one"):
        merged([*one, *two])
