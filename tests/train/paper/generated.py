"""A folder laid out as CICIoMT2024 is: its 72 files, its columns, values in its ranges, its defects.

Made rows prove the tool, not the paper. A row joins the left part of a pool of its class, a capture clock,
and the right part of another pool: so a million rows are written in seconds. A third repeat one before.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.paper.classes import LABELS
from train.paper.columns import COLUMNS

NUMBERED = {
    "train": {"DDoS-ICMP": 8, "DDoS-UDP": 8, "DDoS-SYN": 4, "DDoS-TCP": 4}
    | {f"TCP_IP-DoS-{protocol}": 4 for protocol in ("ICMP", "SYN", "TCP", "UDP")},
    "test": {"DDoS-ICMP": 2, "DDoS-UDP": 2},
}
"""Classes that come in several files, by the end of their name."""

ROWS = {
    "Benign": 230_339,
    "TCP_IP-DDoS-ICMP": 1_887_175,
    "TCP_IP-DDoS-SYN": 974_359,
    "TCP_IP-DDoS-TCP": 987_063,
    "TCP_IP-DDoS-UDP": 1_998_026,
    "TCP_IP-DoS-ICMP": 514_724,
    "TCP_IP-DoS-SYN": 540_498,
    "TCP_IP-DoS-TCP": 462_480,
    "TCP_IP-DoS-UDP": 704_503,
    "Recon-OS_Scan": 20_666,
    "Recon-Ping_Sweep": 926,
    "Recon-Port_Scan": 106_603,
    "Recon-VulScan": 3_207,
    "MQTT-DDoS-Connect_Flood": 214_952,
    "MQTT-DDoS-Publish_Flood": 36_039,
    "MQTT-DoS-Connect_Flood": 15_904,
    "MQTT-DoS-Publish_Flood": 52_881,
    "MQTT-Malformed_Data": 6_877,
    "ARP_Spoofing": 17_791,
}
"""The dataset's own numbers, both sides together."""

TRAIN_SHARE, REPEATED = 0.8, 0.37
LEAST_ROWS = 6
"""Of one file, however few rows in all."""

CLOCK = COLUMNS.index("IAT")
_POOL, _BLOCK = 2000, 20_000
_DEFECTS = ("", "inf", "-inf", "nan")
_DEFECT_SHARE = 0.002


def write(folder: Path, rows: int, *, seed: int = 1, header: tuple[str, ...] = COLUMNS) -> int:
    """Write all 72 files with about so many rows; return how many there are."""
    draw = np.random.default_rng(seed)
    total = 0
    for day, label in enumerate(LABELS):
        maker = Maker(label, day, draw)
        for side, name, share in files(label):
            count = max(LEAST_ROWS, round(rows * share * ROWS[label] / sum(ROWS.values())))
            total += count
            path = folder / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w") as file:
                file.write(",".join(header) + "\n")
                for lines in maker.blocks(count):
                    file.writelines(lines)
    return total


def files(label: str) -> Iterator[tuple[str, str, float]]:
    """Yield side, name and share of a label's rows of each of its files."""
    for side, part in (("train", TRAIN_SHARE), ("test", 1 - TRAIN_SHARE)):
        count = next((many for end, many in NUMBERED[side].items() if label.endswith(end)), 1)
        for number in range(1, count + 1):
            suffix = str(number) if count > 1 else ""
            yield side, f"{label}{suffix}_{side}.pcap.csv", part / count


class Maker:
    """Makes the lines of one label."""

    def __init__(self, label: str, day: int, draw: np.random.Generator) -> None:
        self._draw, self._clock = draw, 83.0e6 + 1.1e5 * day
        values = _values(label, _POOL, draw)
        self._left = [_joined(row[:CLOCK], draw) for row in values]
        self._right = [_joined(row[CLOCK + 1 :], draw) for row in values]

    def blocks(self, count: int) -> Iterator[list[str]]:
        """Yield lines, some of which repeat one before."""
        for start in range(0, count, _BLOCK):
            size = min(_BLOCK, count - start)
            left, right = self._draw.integers(0, _POOL, (2, size)).tolist()
            clock = (self._clock + np.cumsum(self._draw.exponential(0.3, size))).tolist()
            self._clock = clock[-1]
            lines = [
                f"{self._left[a]},{time:.2f},{self._right[b]}\n"
                for a, time, b in zip(left, clock, right, strict=True)
            ]
            for repeated in np.flatnonzero(self._draw.random(size) < REPEATED).tolist():
                lines[repeated] = lines[repeated // 2]
            yield lines


def _joined(row: NDArray[np.float64], draw: np.random.Generator) -> str:
    texts = [f"{value:.6g}" for value in row.tolist()]
    if draw.random() < _DEFECT_SHARE * len(row):
        texts[int(draw.integers(len(row)))] = str(draw.choice(_DEFECTS))
    return ",".join(texts)


def _values(label: str, count: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """Return rows of a class in the published ranges: what its protocol sets, and much that is alike."""
    column = {name: draw.exponential(0.02, count) for name in COLUMNS}
    icmp, udp, arp = "ICMP" in label or "Ping" in label, "UDP" in label, "ARP" in label
    flood, spread = "DoS" in label, 1.6 if "DDoS" in label else 1.0
    column["Protocol Type"] = np.full(count, 1.0 if icmp else 17.0 if udp else 6.0)
    column["Rate"] = draw.lognormal(np.log(3000 * spread if flood else 30), 1.2, count)
    column["Srate"], column["Drate"] = column["Rate"], np.zeros(count)
    column["Duration"] = draw.normal(64, 6, count)
    column["Header_Length"] = draw.lognormal(4 + 3 * flood, 1.5, count)
    column["syn_flag_number"] = np.clip(draw.normal("SYN" in label or "Scan" in label, 0.2, count), 0, 1)
    column["ack_flag_number"] = np.clip(draw.normal(label == "Benign" or "MQTT" in label, 0.3, count), 0, 1)
    column["rst_count"] = draw.exponential(40 if "Recon" in label else 3, count)
    column["ICMP"], column["UDP"], column["ARP"] = (
        np.full(count, float(is_it)) for is_it in (icmp, udp, arp)
    )
    column["TCP"] = 1.0 - column["ICMP"] - column["UDP"]
    column["IPv"] = column["LLC"] = np.ones(count)
    mean = draw.lognormal(np.log(60 if flood else 200), 0.5, count)
    for name, factor in (("AVG", 1.0), ("Min", 0.8), ("Max", 1.5), ("Tot size", 1.0), ("Tot sum", 10.0)):
        column[name] = mean * factor
    column["Std"], column["Radius"] = mean * 0.2, mean * 0.3
    column["Variance"], column["Covariance"] = draw.random(count), mean**2 * 0.04
    column["Magnitue"] = np.sqrt(2 * mean)
    column["Number"] = np.where(draw.random(count) < 0.1, 13.5, 9.5 if flood else 5.5)
    column["Weight"] = column["Number"] * 14.9
    return np.column_stack([column[name] for name in COLUMNS])
