"""The networks, in Keras: raw windows in, logits out. One file each; `base` has what they share.

Which one is worth its keep, on origins never seen, `iotids-train compare` tells.
"""

from train.networks.attention import attention, attention_summary
from train.networks.base import Statistics, calibrated, logits_of
from train.networks.cnn import cnn
from train.networks.cnn_lstm import cnn_lstm, sequence
from train.networks.moments import statistics
from train.networks.paper import PAPERS
from train.networks.summary import summary
from train.settings import NetworkSettings

NETWORKS = {
    "cnn-lstm": cnn_lstm,
    "sequence": sequence,
    "summary": summary,
    "cnn": cnn,
    "attention": attention,
    "attention-summary": attention_summary,
    **PAPERS,
}
"""Each takes the length of a window, the training set's statistics and the settings."""

__all__ = ["NETWORKS", "PAPERS", "NetworkSettings", "Statistics", "calibrated", "logits_of", "statistics"]
