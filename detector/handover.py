"""What passes from a capturing thread to the path: finished flows, bounded, in order.

The path takes from it twenty times a second. Where it cannot keep up, flows wait here; `fill` tells it to
score less, and only when there is no room left are flows dropped, and counted.
"""

from dataclasses import dataclass
from threading import Lock

from detector.records import FlowBatch


@dataclass(frozen=True, slots=True)
class Delivery:
    """Flows, in the order in which they left the meter."""

    flows: list[FlowBatch]
    now_ms: int
    """Packet time reached: no flow that leaves before it is still to come."""
    starts_anew: bool = False
    """The clock was set back right after these flows: nothing open goes on."""


class Handover:
    """Between one thread that puts and one that takes."""

    def __init__(self, max_flows: int) -> None:
        self._lock = Lock()
        self.max_flows = max_flows
        self._waiting: list[FlowBatch] = []
        self._ended: list[Delivery] = []
        self._now_ms = -1
        self.queued = 0
        """Flows that wait here."""
        self.ahead = 0
        """Flows taken from here that still wait, for the end of their interval; they take room as well."""
        self.dropped = 0
        """Flows for which there was no room."""
        self.sign_asked = 0
        """Of the heartbeat: the sign that the taker wants."""
        self._sign_given = 0
        self.sign_taken = 0
        """The last sign that came with what was taken."""

    @property
    def fill(self) -> float:
        """How much of the room is taken, 0 to 1."""
        return min((self.queued + self.ahead) / self.max_flows, 1.0)

    def put(self, flows: FlowBatch, now_ms: int, *, starts_anew: bool = False, sign: int = 0) -> None:
        """Hand over flows and the packet time reached; what finds no room is dropped.

        `sign` is what `sign_asked` was when the turn began that ends with this.
        """
        with self._lock:
            room = max(self.max_flows - self.queued - self.ahead, 0)
            self.dropped += max(len(flows) - room, 0)
            if len(flows) and room:
                self._waiting.append(flows[:room])
                self.queued += len(self._waiting[-1])
            self._now_ms = now_ms
            self._sign_given = max(self._sign_given, sign)
            if starts_anew:
                self._ended.append(Delivery(self._waiting, now_ms, starts_anew=True))
                self._waiting, self._now_ms = [], -1

    def take(self) -> list[Delivery]:
        """Return all that waits: one delivery for each time the clock was set back, and the present one."""
        with self._lock:
            taken = [*self._ended, Delivery(self._waiting, self._now_ms)]
            self._ended, self._waiting, self.queued = [], [], 0
            self.sign_taken = self._sign_given
        return taken
