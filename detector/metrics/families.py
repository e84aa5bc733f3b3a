"""Every metric: its name, kind, labels and what it means.

Names, labels and meanings are a contract with dashboards and alerting rules. Base units; no address and
nothing else an attacker may invent is ever a label, or a scan would fill the disk of whoever watches.
"""

from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]


class Family(NamedTuple):
    """All series of one name."""

    name: str
    kind: Kind
    meaning: str
    """One sentence or more, with the unit; also what is not counted."""
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram: the upper bounds of its buckets, in the metric's unit."""


BUILD_INFO = Family(
    "iotids_build_info", "gauge", "Always 1; the label tells the version that runs.", ("version",)
)
BUNDLE_INFO = Family(
    "iotids_bundle_info",
    "gauge",
    "Always 1; the labels tell the model bundle that is in use.",
    ("digest", "name"),
)
RESTARTS = Family(
    "iotids_restarts_total",
    "counter",
    "Times that a part began anew, by reason: capture (an interface was taken back), clock (it was set) or "
    "scorer (it hung, and another thread took over).",
    ("reason",),
)
CONFIG_RELOADED = Family(
    "iotids_config_last_reload_successful",
    "gauge",
    "1 if the configuration and bundle in use are those read last, 0 if the last reload was refused.",
)
CONFIG_RELOAD_TIME = Family(
    "iotids_config_last_reload_timestamp_seconds",
    "gauge",
    "When the configuration and bundle in use were read, in seconds since the epoch.",
)

CAPTURE_UP = Family(
    "iotids_capture_up",
    "gauge",
    "1 while packets can be read from the interface, 0 while it is gone, down, without carrier or closed, or "
    "its worker hangs.",
    ("iface",),
)
PACKETS = Family(
    "iotids_packets_total",
    "counter",
    "Packets read from the interface, ignored ones included; dropped ones never got that far.",
    ("iface",),
)
PACKETS_DROPPED = Family(
    "iotids_packets_dropped_total",
    "counter",
    "Packets lost, by stage: kernel (its buffer was full), interface (the network card was too slow), meter "
    "(no memory for a new flow) or shed (metering was behind, so that new flows were thinned out). What is "
    "lost is never judged.",
    ("iface", "stage"),
)
PACKETS_IGNORED = Family(
    "iotids_packets_ignored_total",
    "counter",
    "Packets read that no flow could take, by reason: not_ip (ARP, for example) or late (the end of a TCP "
    "conversation whose last flow had left already). They are not judged.",
    ("iface", "reason"),
)
PACKETS_RESTAMPED = Family(
    "iotids_packets_restamped_total",
    "counter",
    "Packets with a lone time stamp from the future or the past, which was replaced.",
    ("iface",),
)
LAST_PACKET = Family(
    "iotids_last_packet_timestamp_seconds",
    "gauge",
    "Packet time of the last packet read, in seconds since the epoch; 0 before the first.",
    ("iface",),
)
PATH_TIME = Family(
    "iotids_path_timestamp_seconds",
    "gauge",
    "Packet time up to which everything has passed every stage, in seconds since the epoch; 0 before that. "
    "On live interfaces it follows the clock though no packet comes, unless a stage stands still.",
)

FLOWS = Family(
    "iotids_flows_total",
    "counter",
    "Flows and slices of flows that the meter let go, by reason: idle, active, closed, evicted or flushed. "
    "Many evicted ones mean that max_active_flows is too low for the traffic.",
    ("reason",),
)
ACTIVE_FLOWS = Family("iotids_active_flows", "gauge", "Flows open in the meter now, over all interfaces.")
FLOWS_DROPPED = Family(
    "iotids_flows_dropped_total",
    "counter",
    "Flows lost after the meter, by stage and reason. They are in no window.",
    ("stage", "reason"),
)

WINDOW_HOSTS = Family("iotids_window_hosts", "gauge", "Windows kept now, one a host and role.")
WINDOW_EVICTIONS = Family(
    "iotids_window_evictions_total",
    "counter",
    "Windows given up for those of other hosts. Many mean that max_hosts is too low, or spoofed sources.",
)
WINDOWS_SCORED = Family("iotids_windows_scored_total", "counter", "Windows that the model has scored.")
WINDOWS_SHED = Family(
    "iotids_windows_shed_total",
    "counter",
    "Windows that were due and not scored, by reason: budget (max_windows_per_interval was spent), pressure "
    "(flows waited, so that less than that was spent) or hung (the model gave no answer). Their flows are "
    "not lost, and count in the host's next window.",
    ("reason",),
)
SCORING_SECONDS = Family(
    "iotids_scoring_seconds",
    "histogram",
    "Time that the model took to score one batch of windows, in seconds of wall clock.",
    bounds=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)

QUEUE_LENGTH = Family(
    "iotids_queue_length",
    "gauge",
    "What waits now in a queue: flows, metered and not looked at yet; sink_NAME, alerts not yet sent.",
    ("queue",),
)
QUEUE_CAPACITY = Family(
    "iotids_queue_capacity", "gauge", "How much a queue holds before what comes is dropped.", ("queue",)
)

VERDICTS = Family(
    "iotids_verdicts_total",
    "counter",
    "Windows judged, by category; uncertain ones under their likeliest attack.",
    ("category",),
)
UNCERTAIN = Family(
    "iotids_uncertain_total",
    "counter",
    "Windows judged uncertain: Benign was not sure enough, and no attack was either.",
)
CONFIDENCE = Family(
    "iotids_confidence",
    "histogram",
    "Calibrated probability of the category that a window was judged to be, from 0 to 1.",
    ("category",),
    (0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
)
SHADOW_VERDICTS = Family(
    "iotids_shadow_verdicts_total",
    "counter",
    "Windows judged by a second bundle as well, by the category that counts and by what the second one said.",
    ("category", "shadow"),
)
SHADOW_SKIPPED = Family(
    "iotids_shadow_skipped_total",
    "counter",
    "Windows that the second bundle was not shown, because it was still busy with those before.",
)
FEATURE_DRIFT = Family(
    "iotids_feature_drift",
    "gauge",
    "Population stability index of a feature against the bundle's record, over a day or so; none before "
    "enough windows were scored, nor with a bundle that holds no record.",
    ("feature",),
)
DRIFTING_FEATURES = Family(
    "iotids_drifting_features",
    "gauge",
    "Features whose drift is beyond that of nearly all networks that the model learned from.",
)

ALERTS = Family(
    "iotids_alerts_total",
    "counter",
    "Alerts given to the sinks, by category and severity (1 is the gravest): every open, update and close "
    "of an incident is one.",
    ("category", "severity"),
)
ALERTS_SUPPRESSED = Family(
    "iotids_alerts_suppressed_total",
    "counter",
    "Attack verdicts that raised no alert of their own, by reason: held back on purpose, or, where it is "
    "forgotten, hosts under suspicion that were let go for want of room.",
    ("reason",),
)
OPEN_INCIDENTS = Family("iotids_open_incidents", "gauge", "Incidents open now, by category.", ("category",))
DETECTION_LATENCY = Family(
    "iotids_detection_latency_seconds",
    "histogram",
    "Time from an incident's first packet to its opening, in seconds of packet time; once an incident.",
    bounds=(0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0),
)
SINK_ERRORS = Family(
    "iotids_sink_errors_total",
    "counter",
    "Times a sink failed to take alerts, did not answer for 3 s, or had no connection. The path goes on, and "
    "the daemon tries again until the sink is back.",
    ("sink",),
)
SINK_UP = Family(
    "iotids_sink_up",
    "gauge",
    "1 while a sink takes alerts, 0 since it failed or hangs. A connection (MQTT, syslog over TCP) is looked "
    "at all the time, any other sink is known to fail from the next alert on.",
    ("sink",),
)
ALERTS_DROPPED = Family(
    "iotids_alerts_dropped_total",
    "counter",
    "Alerts that a sink never got, by reason: queue_full (the oldest go), refused (by the receiver, or by a "
    "defect of the sink), stopped (the program ended before the sink was back) or failed (in a replay, which "
    "does not try again).",
    ("sink", "reason"),
)

FAMILIES: tuple[Family, ...] = tuple(
    value for value in tuple(globals().values()) if isinstance(value, Family)
)
"""All of them, in the order above."""
