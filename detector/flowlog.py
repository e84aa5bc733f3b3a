"""Flow records as JSON lines, under NFStream's field names."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from detector.errors import IotidsError, UsageError
from detector.records import FLOW_DTYPE, Expiry, FlowBatch, address

_PLAIN = [name for name in FLOW_DTYPE.names or () if name[4:] not in ("ip", "mac") and name != "source"]
_OUI_LETTERS = 8


class FlowLog:
    """Writes flows to a file, as they end. For looking at, not for the path: it is one object a flow."""

    def __init__(self, path: Path) -> None:
        """Create or empty the file.

        Raises:
            UsageError: that cannot be done.
        """
        self._path = path
        try:
            self._file: BinaryIO = open(path, "wb", opener=_private)  # noqa: SIM115 - see close
        except OSError as error:
            raise UsageError(f"--flows {path}: {error.strerror}; name a file that can be written") from error
        self._written = 0

    def write(self, flows: FlowBatch) -> None:
        """Append a batch, one line a flow.

        Raises:
            IotidsError: the disk is full, or the like.
        """
        columns = {name: flows[name].tolist() for name in _PLAIN}
        lines = [orjson.dumps(self._record(flows[row], columns, row)) + b"\n" for row in range(len(flows))]
        try:
            self._file.writelines(lines)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> IotidsError:
        with suppress(OSError):
            self._file.close()
        return IotidsError(f"--flows {self._path}: {error.strerror}; free some space or name another file")

    def _record(self, flow: np.void, columns: dict[str, list[Any]], row: int) -> dict[str, Any]:
        record: dict[str, Any] = {"id": self._written}
        self._written += 1
        for end in ("src", "dst"):
            mac = ":".join(f"{byte:02x}" for byte in flow[f"{end}_mac"].tolist())
            record[f"{end}_ip"] = str(address(flow[f"{end}_ip"]))
            record[f"{end}_mac"], record[f"{end}_oui"] = mac, mac[:_OUI_LETTERS]
        record |= {name: values[row] for name, values in columns.items()}
        record["expiration_reason"] = Expiry(record["expiration_id"]).name.lower()
        return record

    def close(self) -> None:
        """Close the file.

        Raises:
            IotidsError: its last lines cannot be written.
        """
        try:
            self._file.close()
        except OSError as error:
            raise self._failed(error) from error


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner and group may read: it names every host."""
    return os.open(path, flags, 0o640)
