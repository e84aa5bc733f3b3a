import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from detector.errors import UsageError
from tests.train.paper import generated
from train.paper.classes import LABELS
from train.paper.columns import COLUMNS
from train.paper.files import find_sources


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("data")
    generated.write(made, 0)
    return made


def test_the_published_folder_has_72_files(folder: Path) -> None:
    sources = find_sources(folder)
    assert Counter(source.side for source in sources) == {"train": 51, "test": 21}
    by_label = Counter(source.label for source in sources)
    assert by_label[LABELS.index("TCP_IP-DDoS-UDP")] == 10
    assert by_label[LABELS.index("Benign")] == 2
    assert sources[0].name == "train/ARP_Spoofing_train.pcap.csv"


def test_a_wrong_folder_is_told_where_the_data_is(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no folders train/ and test/; expected CICIoMT2024's CSV"):
        find_sources(tmp_path)
    deep = tmp_path / "WiFI_and_MQTT" / "attacks"
    shutil.copytree(folder, deep / "CSV")
    with pytest.raises(UsageError, match=re.escape(f"(but {deep / 'CSV'} has; give --data {deep / 'CSV'})")):
        find_sources(tmp_path)


def damaged(tmp_path: Path, content: bytes, name: str = "Benign_train.pcap.csv") -> Path:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    (tmp_path / "train" / name).write_bytes(content)
    return tmp_path


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty; fetch the file again"),
        (b"\xff\xfe\x00", "no readable CSV file"),
        (HEADER.replace("IAT", "Time").encode(), "has no column 'IAT', but 'Time'"),
        (b'"' + HEADER.encode(), "no readable CSV file"),
    ],
)
def test_a_bad_header_is_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)) as told:
        find_sources(damaged(tmp_path, content))
    assert "Benign_train.pcap.csv" in str(told.value)


def test_a_name_without_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"train/notes\.csv: carries no label"):
        find_sources(damaged(tmp_path, HEADER.encode(), "notes.csv"))


def test_a_side_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"test: holds no CSV file"):
        find_sources(damaged(tmp_path, HEADER.encode()))
