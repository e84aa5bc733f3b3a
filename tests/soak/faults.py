"""What a fault does, and what mends it."""

import errno
import signal
from collections.abc import Callable
from typing import NamedTuple

from tests.network import ip
from tests.soak.plan import FAULTS, Fault
from tests.soak.stage import WATCHED, Stage


class Trouble(NamedTuple):
    """A pair of deeds."""

    make: Callable[[], object]
    mend: Callable[[], object]


class Troubles:
    """Makes trouble and mends it, when it is time."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rotated = self._filled = 0
        self.reloads = {"good": 0, "bad": 0}
        """Asked for."""
        self.kinds: dict[str, Trouble] = {
            "interface down": Trouble(
                lambda: ip(f"link set {WATCHED} down"), lambda: ip(f"link set {WATCHED} up")
            ),
            "process stopped": Trouble(
                lambda: self._send(signal.SIGSTOP), lambda: self._send(signal.SIGCONT)
            ),
            "receiver gone": Trouble(stage.receiver.close, stage.receiver.open),
            "receiver hangs": Trouble(stage.receiver.answering.clear, stage.receiver.answering.set),
            "disk full": Trouble(self._fill, (stage.disk / "filler").unlink),
            "file rotated": Trouble(self._rotate, lambda: None),
            "reload": Trouble(lambda: self._reload(changed=True), lambda: self._reload(changed=False)),
            "bad reload": Trouble(self._reload_badly, lambda: self._reload(changed=False)),
        }
        assert set(self.kinds) == set(FAULTS) - {"none"}

    def make(self, fault: Fault) -> None:
        self.kinds[fault.kind].make()

    def mend(self, fault: Fault) -> None:
        self.kinds[fault.kind].mend()

    def _send(self, number: signal.Signals) -> None:
        self._stage.subject.process.send_signal(number)

    def _fill(self) -> None:
        self._filled += 1
        if self._filled % 2:  # the file's last page may have room for an alert, a new file has none
            self._rotate()
        with (self._stage.disk / "filler").open("wb", buffering=0) as filler:
            for size in (65_536, 64):  # the last page too
                try:
                    while filler.write(bytes(size)):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def _rotate(self) -> None:
        alerts = self._stage.disk / "alerts.json"
        if alerts.exists():
            self._rotated += 1
            alerts.rename(self._stage.disk / f"alerts.json.{self._rotated}")

    def _reload(self, *, changed: bool) -> None:
        self._stage.configure(changed=changed)
        self.reloads["good"] += 1
        self._send(signal.SIGHUP)

    def _reload_badly(self) -> None:
        self._stage.config.write_text("[incidents]\nclose_after_secs = -1\n")
        self.reloads["bad"] += 1
        self._send(signal.SIGHUP)
