"""iotids: watches a network and tells DDoS, DoS and Recon from ordinary traffic.

The path of a packet, one module a step::

    meter ──▶ features ──▶ windows ──▶ scorer ──▶ policy ──▶ incidents ──▶ sinks

`pipeline` joins the steps, `daemon` keeps them running, `cli` starts them.
"""

__version__ = "0.1.0"
