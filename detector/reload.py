"""Reading configuration and bundle again while packets are watched: all of it is taken over, or nothing.

Reading takes a second where storage is slow, so it has a thread of its own; what was read is taken over
between two turns of the path. A file that is not right changes nothing, and the log says why.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import NamedTuple

from detector.bundle import ModelBundle
from detector.config import Config
from detector.errors import BundleError, IotidsError
from detector.logs import LOGGER, set_up
from detector.notify import Notifier
from detector.pipeline import Pipeline
from detector.scorer import Scorer
from detector.shadow import Shadow


class Prepared(NamedTuple):
    """What was read and found good."""

    config: Config
    bundle: ModelBundle
    scorer: Scorer
    shadow: Shadow | None = None


class Reload:
    """Asked every turn whether it has to do anything."""

    def __init__(
        self,
        pipeline: Pipeline,
        prepare: Callable[[], Prepared],
        *,
        asked: Callable[[], bool],
        notifier: Notifier,
    ) -> None:
        """Take what reads everything and refuses what cannot be taken over, and who tells when to."""
        self._pipeline, self._prepare = pipeline, prepare
        self._asked, self._notifier = asked, notifier
        self._read: Future[Prepared] | None = None
        pipeline.metrics.set_reload(time.time())

    def turn(self) -> None:
        """Begin to read if somebody asked for it; take over what has been read."""
        if self._read is None:
            if self._asked():
                self._begin()
        elif self._read.done():
            self._end(self._read)
            self._read = None
            self._notifier.ready()

    def _begin(self) -> None:
        LOGGER.info("Reading configuration and bundle again.")
        self._notifier.reloading()
        self._read = Future()
        Thread(target=_run, args=(self._prepare, self._read), name="reload", daemon=True).start()

    def _end(self, read: "Future[Prepared]") -> None:
        try:
            config, bundle, scorer, shadow = read.result()
        except IotidsError as error:
            self._pipeline.metrics.set_reload(None)
            LOGGER.error("Not reloaded, all is as it was: %s", error)
            return
        self._pipeline.adopt(config, bundle, scorer, shadow)
        set_up(config.output.log_format, config.output.log_level)
        self._pipeline.metrics.set_reload(time.time())
        LOGGER.info("Reloaded: bundle %s (%s).", bundle.name, bundle.digest)


def check_same_shape(running: ModelBundle, wanted: ModelBundle) -> None:
    """Refuse a bundle that needs other flows or windows than those that are kept.

    Raises:
        BundleError: its meter or window settings differ.
    """
    if (running.meter, running.window) != (wanted.meter, wanted.window):
        raise BundleError(
            f"bundle {wanted.name}: meters or cuts windows otherwise than {running.name}, which is in use; "
            "restart the service to change to it"
        )


def _run(prepare: Callable[[], Prepared], read: "Future[Prepared]") -> None:
    try:
        read.set_result(prepare())
    except BaseException as error:  # noqa: BLE001 - raised again by who waits for the result
        read.set_exception(error)
