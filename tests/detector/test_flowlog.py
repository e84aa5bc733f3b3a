"""Flow records as JSON lines."""

from pathlib import Path

import numpy as np
import pytest

from detector.errors import IotidsError, UsageError
from detector.flowlog import FlowLog
from detector.records import FLOW_DTYPE, Expiry
from tests import traffic
from tests.command import lines

OURS = {"export_ms", "expiration_reason"}


def test_fields_are_nfstreams(tmp_path: Path) -> None:
    log = FlowLog(tmp_path / "flows")
    log.write(traffic.flow(100, "10.0.0.1", "2001:db8::5", src_mac=[2, 0, 0, 0, 0, 0xAB], tunnel_id=3))  # type: ignore[arg-type]
    log.close()
    (record,) = lines((tmp_path / "flows").read_bytes())
    assert record["src_ip"] == "10.0.0.1"
    assert record["dst_ip"] == "2001:db8::5"
    assert record["src_mac"] == "02:00:00:00:00:ab"
    assert record["src_oui"] == "02:00:00"
    assert record["tunnel_id"] == 3
    assert record["expiration_id"] == 0
    assert record["expiration_reason"] == "idle"
    assert record["bidirectional_first_seen_ms"] == traffic.EPOCH_MS + 80
    assert set(FLOW_DTYPE.names or ()) - {"source"} <= set(record)


def test_names_are_those_of_the_installed_nfstream() -> None:
    """Read from NFStream's own flow class, which takes a second to import."""
    from nfstream.flow import NFlow  # noqa: PLC0415

    known = {name for name in NFlow.__slots__ if not name.startswith("_")}
    ours = {"source", "export_ms"}
    assert {name for name in FLOW_DTYPE.names or () if name not in ours} <= known
    assert {"id", "src_oui", "dst_oui", "expiration_id"} <= known


def test_flows_are_numbered_across_batches(tmp_path: Path) -> None:
    log = FlowLog(tmp_path / "flows")
    for count in (2, 0, 1):
        log.write(traffic.batch([traffic.flow(n) for n in range(count)]))
    log.close()
    assert [record["id"] for record in lines((tmp_path / "flows").read_bytes())] == [0, 1, 2]


@pytest.mark.parametrize("reason", Expiry)
def test_every_reason_has_its_word(reason: Expiry, tmp_path: Path) -> None:
    log = FlowLog(tmp_path / "flows")
    log.write(traffic.flow(0, expiration_id=reason))
    log.close()
    assert lines((tmp_path / "flows").read_bytes())[0]["expiration_reason"] == reason.name.lower()


def test_an_earlier_file_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "flows").write_text("old\n")
    FlowLog(tmp_path / "flows").close()
    assert (tmp_path / "flows").read_bytes() == b""


def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--flows .*: Is a directory; name a file that can be written"):
        FlowLog(tmp_path)


def test_a_full_disk_is_said_when_it_shows() -> None:
    log = FlowLog(Path("/dev/full"))
    with pytest.raises(IotidsError, match="--flows /dev/full: No space left"):
        log.write(np.concatenate([traffic.flow(n) for n in range(50)]))
    log = FlowLog(Path("/dev/full"))
    log.write(traffic.flow(0))
    with pytest.raises(IotidsError, match="No space left"):
        log.close()
