"""The lab: labelled traffic from as many small networks as one likes.

`world` draws a network and what happens in it from a seed; `run` plays worlds, each in Linux namespaces of
its own (`network`, `play`), where real programs talk (`programs`, `attacks`); `truth` says what was what.
"""

from train.lab.run import Result, run

__all__ = ["Result", "run"]
