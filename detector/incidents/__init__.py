"""Evidence over packet time: verdicts become incidents, incidents become alerts."""

from detector.incidents.tracker import SUPPRESSION_REASONS, Incidents

__all__ = ["SUPPRESSION_REASONS", "Incidents"]
