import pytest

from detector.errors import UsageError
from train.paper.classes import GROUPINGS, LABELS, grouping, label_of


def told(classes: int, label: str) -> str | None:
    groups = grouping(classes)
    number = int(groups.of_label[LABELS.index(label)])
    return None if number < 0 else groups.names[number]


def test_18_attacks_and_benign() -> None:
    assert len(set(LABELS)) == 19


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Benign_train.pcap.csv", "Benign"),
        ("TCP_IP-DDoS-SYN4_train.pcap.csv", "TCP_IP-DDoS-SYN"),
        ("MQTT-DDoS-Connect_Flood_train.pcap.csv", "MQTT-DDoS-Connect_Flood"),
        ("mqtt_malformed-data_TRAIN.pcap.csv", "MQTT-Malformed_Data"),
        ("ARP_Spoofing_train.pcap.csv", "ARP_Spoofing"),
    ],
)
def test_the_file_name_is_the_label(name: str, label: str) -> None:
    assert LABELS[label_of(name, "train")] == label


@pytest.mark.parametrize(
    "name", ["combined.csv", "Mirai_train.pcap.csv", "Benign_test.pcap.csv", "_train.pcap.csv"]
)
def test_a_name_without_label_or_of_the_other_side_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"train/{name}: carries no label; expected <label>_train"):
        label_of(name, "train")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Benign", {2: "Benign", 4: "Benign", 6: "Benign"}),
        ("TCP_IP-DDoS-ICMP", {2: "Attack", 4: "DDoS", 6: "DDoS"}),
        ("TCP_IP-DoS-UDP", {2: "Attack", 4: "DoS", 6: "DoS"}),
        ("Recon-VulScan", {2: "Attack", 4: "Recon", 6: "Recon"}),
        ("MQTT-DDoS-Publish_Flood", {2: "Attack", 4: "DDoS", 6: "MQTT"}),
        ("MQTT-DoS-Connect_Flood", {2: "Attack", 4: "DoS", 6: "MQTT"}),
        ("MQTT-Malformed_Data", {2: "Attack", 4: None, 6: "MQTT"}),
        ("ARP_Spoofing", {2: "Attack", 4: None, 6: "Spoofing"}),
    ],
)
def test_coarser_classes(label: str, expected: dict[int, str | None]) -> None:
    assert {classes: told(classes, label) for classes in expected} == expected


@pytest.mark.parametrize("classes", GROUPINGS)
def test_every_class_has_a_label(classes: int) -> None:
    groups = grouping(classes)
    assert len(groups.names) == classes
    assert {told(classes, label) for label in LABELS} - {None} == set(groups.names)


def test_the_papers_four_leave_two_labels_out() -> None:
    assert grouping(4).left_out == ("MQTT-Malformed_Data", "ARP_Spoofing")
    assert grouping(19).left_out == ()
