"""What a file's name says of its rows: one of the dataset's 19 classes, and the coarser ones.

The paper's four classes are those of its published code: a file is Benign, DDoS, DoS or Recon by the first
of these words in its name. So MQTT's floods are DDoS or DoS. Two of the dataset's classes carry none of the
words, malformed MQTT data and ARP spoofing: they are in no class of the four, and left out, counted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.errors import UsageError
from train.paper.columns import plain

LABELS = (
    "Benign",
    *(f"TCP_IP-{kind}-{protocol}" for kind in ("DDoS", "DoS") for protocol in ("ICMP", "SYN", "TCP", "UDP")),
    *(f"Recon-{scan}" for scan in ("OS_Scan", "Ping_Sweep", "Port_Scan", "VulScan")),
    *(f"MQTT-{kind}-{flood}_Flood" for kind in ("DDoS", "DoS") for flood in ("Connect", "Publish")),
    "MQTT-Malformed_Data",
    "ARP_Spoofing",
)
"""The dataset's own classes, as its file names spell them."""

_KNOWN = {plain(label): number for number, label in enumerate(LABELS)}


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Classes made of the dataset's own."""

    names: tuple[str, ...]
    of_label: NDArray[np.int8]
    """Shape (19,): the class of each of `LABELS`, -1 where it has none."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the labels that are in no class."""
        return tuple(label for label, group in zip(LABELS, self.of_label, strict=True) if group < 0)


def label_of(name: str, side: str) -> int:
    """Return the number of a file's label; several numbered files share one.

    Raises:
        UsageError: the name carries none of the 19, or belongs to the other side.
    """
    match = re.fullmatch(rf"(?P<label>.+?)\d*_{side}\.pcap\.csv", name, re.IGNORECASE)
    number = _KNOWN.get(plain(match["label"])) if match else None
    if number is None:
        raise UsageError(
            f"{side}/{name}: carries no label; expected <label>_{side}.pcap.csv, the label one of "
            + ", ".join(LABELS)
        )
    return number


def grouping(classes: int) -> Grouping:
    """Return the dataset's 2, 6 or 19 classes, or the paper's 4."""
    names, told = _GROUPINGS[classes]
    chosen = [names.index(group) if group in names else -1 for group in map(told, LABELS)]
    return Grouping(names, np.array(chosen, np.int8))


def _attack_or_not(label: str) -> str:
    return label if label == "Benign" else "Attack"


def _first_word(label: str) -> str:
    return next((word for word in _FOUR if word in label), "")


def _family(label: str) -> str:
    return next(family for sign, family in _FAMILIES.items() if label.startswith(sign))


_FAMILIES = {
    "Benign": "Benign",
    "TCP_IP-DDoS": "DDoS",
    "TCP_IP-DoS": "DoS",
    "Recon": "Recon",
    "MQTT": "MQTT",
    "ARP": "Spoofing",
}
_FOUR = ("Benign", "DDoS", "DoS", "Recon")
_GROUPINGS: dict[int, tuple[tuple[str, ...], Callable[[str], str]]] = {
    2: (("Benign", "Attack"), _attack_or_not),
    4: (_FOUR, _first_word),
    6: (tuple(_FAMILIES.values()), _family),
    19: (LABELS, str),
}

GROUPINGS = tuple(_GROUPINGS)
