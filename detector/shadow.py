"""A second bundle beside the one in use: it sees the same windows, its verdicts are counted, and none alerts.

So an operator learns what a new model would say of this very network before it takes over. It has a thread
of its own and looks at what it has time for; the path never waits for it.
"""

from concurrent.futures import Future
from functools import partial

from detector.bundle import ModelBundle
from detector.config import ThresholdConfig
from detector.metrics import Metrics
from detector.policy import Policy
from detector.records import Verdict, WindowBatch
from detector.scorer import Scorer
from detector.scoring import Scoring


class Shadow:
    """Holds another model's verdicts against those that count."""

    def __init__(self, bundle: ModelBundle, scorer: Scorer, thresholds: ThresholdConfig) -> None:
        """Take the other model; `thresholds` win over its own, as they would if it took over."""
        self.bundle, self._scorer = bundle, scorer
        self._policy = Policy(bundle.thresholds, thresholds, bundle.window)
        self._scoring = Scoring()
        self._begun: Future[None] | None = None

    def compare(self, windows: WindowBatch, verdicts: list[Verdict], metrics: Metrics) -> None:
        """Have the same windows judged, unless the last ones still are."""
        if self._begun is not None and not self._begun.done():
            metrics.skip_shadow(len(windows))
            return
        if self._begun is not None:
            self._begun.result()  # a defect is not to be hidden
        self._begun = self._scoring.submit(partial(self._judge, windows, verdicts, metrics))

    def _judge(self, windows: WindowBatch, verdicts: list[Verdict], metrics: Metrics) -> None:
        theirs = self._policy.judge(windows, self._scorer.score(windows.sequences))
        metrics.observe_shadow(verdicts, theirs)
