from contextlib import suppress

from detector.errors import CaptureError
from detector.steps import steps
from detector.totals import CaptureTotals
from tests.command import PCAPS
from tests.detector.test_pipeline import read


def test_totals_go_on_from_file_to_file() -> None:
    totals, counts = CaptureTotals(), []
    assert totals.now() == (0, {"not_ip": 0}, {"kernel": 0, "interface": 0})
    for name in ("truncated.pcap", "quiet-home.pcap"):
        capture, table, windows = read(PCAPS / name)
        totals.follow(capture)
        with suppress(CaptureError):
            list(steps(capture, table, windows))
        capture.close()
        counts.append(totals.now()[:2])
    assert counts == [(66, {"not_ip": 9}), (66 + 848, {"not_ip": 9 + 18})]
