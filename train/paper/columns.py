"""The 45 columns of CICIoMT2024, however a release spells them."""

from collections import Counter
from collections.abc import Sequence

from detector.errors import UsageError

COLUMNS = (
    *("Header_Length", "Protocol Type", "Duration", "Rate", "Srate", "Drate"),
    *("fin_flag_number", "syn_flag_number", "rst_flag_number", "psh_flag_number", "ack_flag_number"),
    *("ece_flag_number", "cwr_flag_number", "ack_count", "syn_count", "fin_count", "rst_count"),
    *("HTTP", "HTTPS", "DNS", "Telnet", "SMTP", "SSH", "IRC", "TCP", "UDP", "DHCP", "ARP", "ICMP", "IGMP"),
    *("IPv", "LLC", "Tot sum", "Min", "Max", "AVG", "Std", "Tot size", "IAT", "Number"),
    *("Magnitue", "Radius", "Covariance", "Variance", "Weight"),
)
"""In the order of the published files, spelt as there."""

_MISSPELT = {"magnitude": "magnitue"}
"""Right spellings of what the dataset misspells."""

_SHOWN = 5


def plain(name: str) -> str:
    """Return a name without case, spaces and signs."""
    letters = "".join(letter for letter in name.casefold() if letter.isalnum())
    return _MISSPELT.get(letters, letters)


def positions(header: Sequence[str], *, where: str) -> tuple[int, ...]:
    """Return where each of `COLUMNS` stands in a header; other columns do no harm.

    Raises:
        UsageError: columns are missing, or stand there twice; all are named.
    """
    found = [plain(name) for name in header]
    needed = {plain(name): name for name in COLUMNS}
    missing = [name for key, name in needed.items() if key not in found]
    if missing:
        others = [name for name, key in zip(header, found, strict=True) if key not in needed]
        instead = f", but {_some(others)}" if others else ""
        raise UsageError(
            f"{where}: has no column {_some(missing)}{instead}; expected the {len(COLUMNS)} columns of "
            "CICIoMT2024's CSV files"
        )
    twice = [needed[key] for key, count in Counter(found).items() if count > 1 and key in needed]
    if twice:
        raise UsageError(f"{where}: has more than one column {_some(twice)}; leave one of each")
    return tuple(found.index(key) for key in needed)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
