"""What the dashboards show: every panel with its queries, in the order in which a person asks.

`$instance` and `$iface` are the dashboards' variables, `$__rate_interval` and `$__range` Grafana's own.
"""

from typing import Literal, NamedTuple

_HERE = 'instance=~"$instance"'
_IFACE = f'{_HERE}, iface=~"$iface"'


class Query(NamedTuple):
    """A PromQL expression and the name of its series."""

    expr: str
    legend: str = "{{instance}}"


class Panel(NamedTuple):
    """One panel; `span` is of 24 columns."""

    title: str
    meaning: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Literal["timeseries", "stat", "bargauge", "table"] = "timeseries"
    span: int = 12
    stacked: bool = False
    top: float | None = None
    """The highest value there can be."""
    steps: tuple[tuple[float, str], ...] = ()
    """From which value on which colour; green below."""


def _rate(metric: str, by: str, where: str = _HERE) -> str:
    return f"sum by ({by}) (rate({metric}{{{where}}}[$__rate_interval]))"


def _quantiles(metric: str) -> tuple[Query, ...]:
    inner = _rate(f"{metric}_bucket", "le")
    return tuple(Query(f"histogram_quantile({q}, {inner})", f"{q:.0%}") for q in (0.5, 0.95))


ATTACKS = (
    Panel(
        "Open now",
        "Incidents that are open. The alerts file tells who attacks whom.",
        (Query(f"sum by (category) (iotids_open_incidents{{{_HERE}}})", "{{category}}"),),
        kind="stat",
        span=8,
        steps=((1, "red"),),
    ),
    Panel(
        "Alerts in this time",
        "Openings, updates and closings of incidents.",
        (Query(f"sum by (category) (increase(iotids_alerts_total{{{_HERE}}}[$__range]))", "{{category}}"),),
        kind="stat",
        span=8,
        steps=((1, "orange"),),
    ),
    Panel(
        "Watching",
        "1 for each interface that is captured; 0 is blind.",
        (Query(f"iotids_capture_up{{{_IFACE}}}", "{{instance}} {{iface}}"),),
        kind="stat",
        span=8,
        steps=((0, "red"), (1, "green")),
    ),
    Panel(
        "Alerts a minute, by class",
        "Openings, updates and closings of incidents.",
        (Query("60 * " + _rate("iotids_alerts_total", "category"), "{{category}}"),),
        stacked=True,
    ),
    Panel(
        "Open incidents",
        "How many attacks go on at once.",
        (Query(f"sum by (category) (iotids_open_incidents{{{_HERE}}})", "{{category}}"),),
        stacked=True,
    ),
    Panel(
        "Windows judged a second, by class",
        "What the model said of each window, before an incident needs several to agree.",
        (Query(_rate("iotids_verdicts_total", "category"), "{{category}}"),),
        stacked=True,
    ),
    Panel(
        "Uncertain share",
        "Windows in which neither Benign nor an attack was sure enough. Much of it means traffic that the "
        "model does not know.",
        (
            Query(
                _rate("iotids_uncertain_total", "instance")
                + " / "
                + _rate("iotids_verdicts_total", "instance")
            ),
        ),
        unit="percentunit",
        top=1,
    ),
    Panel(
        "Confidence, median by class",
        "Calibrated probability of the class that a window was judged to be.",
        (
            Query(
                f"histogram_quantile(0.5, {_rate('iotids_confidence_bucket', 'le, category')})",
                "{{category}}",
            ),
        ),
        unit="percentunit",
        top=1,
    ),
    Panel(
        "From the first packet to the opening",
        "Latency of the detection, in packet time.",
        _quantiles("iotids_detection_latency_seconds"),
        unit="s",
    ),
    Panel(
        "Attack verdicts that raised no alert",
        "By reason: what was held back on purpose, or forgotten for want of room.",
        (Query(_rate("iotids_alerts_suppressed_total", "reason"), "{{reason}}"),),
    ),
    Panel(
        "Sinks that failed",
        "Times that alerts could not be written, a second.",
        (Query(_rate("iotids_sink_errors_total", "sink"), "{{sink}}"),),
    ),
    Panel(
        "Sinks",
        "1 for each place that takes alerts, 0 since it failed or hangs.",
        (Query(f"iotids_sink_up{{{_HERE}}}", "{{instance}} {{sink}}"),),
        top=1,
    ),
    Panel(
        "Alerts lost",
        "Those that a place never got, in this time, by reason.",
        (
            Query(
                f"sum by (sink, reason) (increase(iotids_alerts_dropped_total{{{_HERE}}}[$__range]))",
                "{{sink}} {{reason}}",
            ),
        ),
        stacked=True,
    ),
)

HEALTH = (
    Panel(
        "Program",
        "The version that runs.",
        (Query(f"iotids_build_info{{{_HERE}}}", "{{version}}"),),
        kind="table",
        span=6,
    ),
    Panel(
        "Bundle",
        "The model that judges.",
        (Query(f"iotids_bundle_info{{{_HERE}}}", "{{name}} {{digest}}"),),
        kind="table",
        span=12,
    ),
    Panel(
        "Configuration",
        "1 while the one last asked for is in force.",
        (Query(f"iotids_config_last_reload_successful{{{_HERE}}}"),),
        kind="stat",
        span=3,
        steps=((0, "red"), (1, "green")),
    ),
    Panel(
        "Loaded",
        "How long ago it was.",
        (Query(f"time() - iotids_config_last_reload_timestamp_seconds{{{_HERE}}}"),),
        unit="s",
        kind="stat",
        span=3,
    ),
    Panel(
        "Packets a second",
        "Read from the interface, those ignored included.",
        (Query(_rate("iotids_packets_total", "instance, iface", _IFACE), "{{instance}} {{iface}}"),),
        unit="pps",
    ),
    Panel(
        "Packets lost",
        "By stage: kernel and interface before they were read, shed and meter after. What is lost is never "
        "judged.",
        (Query(_rate("iotids_packets_dropped_total", "iface, stage", _IFACE), "{{iface}} {{stage}}"),),
        unit="pps",
        stacked=True,
    ),
    Panel(
        "Packets that no flow could take",
        "Ignored ones, by reason, and those whose time stamp was not believed.",
        (
            Query(_rate("iotids_packets_ignored_total", "reason", _IFACE), "{{reason}}"),
            Query(_rate("iotids_packets_restamped_total", "iface", _IFACE), "restamped on {{iface}}"),
        ),
        unit="pps",
    ),
    Panel(
        "Lag",
        "How far the path is behind the clock, and how long ago the last packet came. The first stays below "
        "two seconds and a scrape; the second grows on a quiet link.",
        (
            Query(f"time() - iotids_path_timestamp_seconds{{{_HERE}}}", "path of {{instance}}"),
            Query(f"time() - iotids_last_packet_timestamp_seconds{{{_IFACE}}}", "last packet on {{iface}}"),
        ),
        unit="s",
    ),
    Panel(
        "Flows a second, by why they ended",
        "Many evicted ones mean that max_active_flows is too low.",
        (Query(_rate("iotids_flows_total", "reason"), "{{reason}}"),),
        stacked=True,
    ),
    Panel(
        "Flows and hosts kept",
        "Flows open in the meter, and windows of hosts, one a role.",
        (
            Query(f"iotids_active_flows{{{_HERE}}}", "flows of {{instance}}"),
            Query(f"iotids_window_hosts{{{_HERE}}}", "windows of {{instance}}"),
        ),
    ),
    Panel(
        "Queue",
        "How full it is; beyond a quarter less is scored, beyond all of it flows are dropped.",
        (
            Query(
                f"iotids_queue_length{{{_HERE}}} / iotids_queue_capacity{{{_HERE}}}", "{{instance}} {{queue}}"
            ),
        ),
        unit="percentunit",
        top=1,
    ),
    Panel(
        "Flows and windows given up, a second",
        "Flows for which there was no room, windows that were due and not scored, hosts let go for others.",
        (
            Query(_rate("iotids_flows_dropped_total", "reason"), "flows, {{reason}}"),
            Query(_rate("iotids_windows_shed_total", "reason"), "windows, {{reason}}"),
            Query(_rate("iotids_window_evictions_total", "instance"), "hosts"),
        ),
    ),
    Panel(
        "Windows scored a second",
        "What the model was asked.",
        (Query(_rate("iotids_windows_scored_total", "instance")),),
    ),
    Panel(
        "Time to score a batch",
        "Wall clock.",
        _quantiles("iotids_scoring_seconds"),
        unit="s",
    ),
    Panel(
        "Processor and memory",
        "Share of one core, and resident memory.",
        (
            Query(f"rate(process_cpu_seconds_total{{{_HERE}}}[$__rate_interval])", "core {{instance}}"),
            Query(f"process_resident_memory_bytes{{{_HERE}}} / 2^30", "memory of {{instance}}, GiB"),
        ),
    ),
    Panel(
        "Handles",
        "Files and connections that are open. It is flat however long the program runs.",
        (Query(f"process_open_fds{{{_HERE}}}"),),
    ),
    Panel(
        "Parts that began anew",
        "In this time, by reason: an interface was taken back, the clock was set, or the model hung.",
        (
            Query(
                f"sum by (instance, reason) (increase(iotids_restarts_total{{{_HERE}}}[$__range]))",
                "{{instance}} {{reason}}",
            ),
        ),
        stacked=True,
    ),
    Panel(
        "Features that drift",
        "How many are distributed otherwise than in nearly all networks that the model learned from. From a "
        "sixth of all on, this network is not like what it knows.",
        (Query(f"iotids_drifting_features{{{_HERE}}}"),),
    ),
    Panel(
        "Drift by feature",
        "Population stability index against the bundle's record, the ten highest. Empty before a thousand "
        "windows were scored, and with a bundle that holds no record.",
        (Query(f"topk(10, max by (feature) (iotids_feature_drift{{{_HERE}}}))", "{{feature}}"),),
        kind="bargauge",
        span=24,
        steps=((0.1, "yellow"), (0.25, "orange"), (5, "red")),
    ),
)
