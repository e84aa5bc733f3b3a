"""The options: one frozen model a section. Every default stands here or in `outputs`, and nowhere else."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from detector.config import values
from detector.config.outputs import MetricsConfig, MqttConfig, OutputConfig, SyslogConfig, WebhookConfig
from detector.config.section import Contradiction, FilePath, Section

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Text = Annotated[str, AfterValidator(values.text)]
Interfaces = Annotated[Sequence[Annotated[str, AfterValidator(values.interface)]], AfterValidator(tuple)]
Allowances = Annotated[Sequence[Annotated[str, AfterValidator(values.allowance)]], AfterValidator(tuple)]
Timeout = Annotated[int, Field(ge=100, le=3_600_000)]
Seconds = Annotated[float, Field(ge=1.0, le=86_400.0)]


class CaptureConfig(Section):
    """`[capture]`: where packets come from."""

    interfaces: Interfaces = ()
    """Interfaces to watch, `any` for all of them. Empty, because no name fits every machine: `--iface` or
    this option has to say it."""
    bpf_filter: Text | None = None
    """A libpcap filter; what it refuses is neither metered nor counted. None, because an attack hides best
    where nobody looks."""
    promiscuous: bool = True
    """Also take frames that are addressed to others. On, because a gateway or a mirror port sees the traffic
    of other hosts, and a scan among them is not addressed to it."""
    snaplen_bytes: Annotated[int, Field(ge=96, le=262_144)] = 1536
    """Bytes kept of each frame. 1536 is NFStream's own value and holds a whole Ethernet frame; 96 still hold
    the headers. Sizes are counted from the headers, so that a smaller value changes no flow."""
    buffer_bytes: Annotated[int, Field(ge=1 << 20, le=1 << 30)] = 16 << 20
    """Kernel memory for packets not yet read, in bytes, taken by each worker. 16 MiB: of a flood of
    300,000 a second 1.5 % were lost with them, 10 % with 4 MiB and 23 % with 1 MiB; of ordinary traffic
    none, at 550,000 a second, from 4 MiB on. Raise it when `iotids_packets_dropped_total` grows."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Threads that capture and meter each interface; the kernel gives all packets of a flow to one of them.
    One meters half a million packets of a flood in a second, five times as many of ordinary traffic; more
    help where it uses up its own core, which `top -H` shows, and cores are idle."""
    silent_after_secs: Seconds = 60.0
    """Seconds without a packet after which an interface that is up is called silent, in the log and in the
    service's state. A minute: where devices live something is said many times in one, if only who has which
    address, so that silence is a cable in the wrong socket or a mirror port that is none any more."""
    max_clock_step_ms: Annotated[int, Field(ge=1_000, le=86_400_000)] = 60_000
    """A stamp that jumps by more than this, in ms, either way, is believed only if the next packet follows
    it; else the packet takes the time before it, and is counted. One stamp from the future would end every
    open flow; NTP moves clocks by less than a minute once they are set."""

    def contradictions(self) -> Iterator[Contradiction]:
        """No interface is watched twice: its packets would count twice."""
        twice = [name for name, times in Counter(self.interfaces).items() if times > 1]
        if twice:
            names = ", ".join(map(repr, twice[:5]))
            yield ("interfaces",), f"got {names} more than once, allowed is each name once, remove the others"
        if "any" in self.interfaces and len(set(self.interfaces)) > 1:
            yield ("interfaces",), "got 'any' beside others, allowed is 'any' alone, which holds the others"


class MeterConfig(Section):
    """`[meter]`: how packets become flows. A timeout of None means: as the bundle says."""

    max_active_flows: Annotated[int, Field(ge=16, le=10_000_000)] = 60_000
    """Flows open at once on one interface; beyond it the flow that waited longest is let go early, and
    counted. A flow takes about 1.4 kB, so that a flood of random sources ends at 85 MB and not in the
    swap."""
    idle_timeout_ms: Timeout | None = None
    """A flow without a packet for this long, in ms, is over. The bundle says it, because the model knows only
    flows that were cut like those it learned from; another value here is refused, so that a change of
    bundle is noticed."""
    active_timeout_ms: Timeout | None = None
    """A flow that goes on is cut after this long, in ms. As with `idle_timeout_ms`."""
    max_queued_flows: Annotated[int, Field(ge=1024, le=10_000_000)] = 65_536
    """Finished flows of one interface that wait to be looked at; more are dropped, and counted. A flow takes
    0.7 kB, so that 45 MB ride out 0.4 s of a flood of 150,000 flows a second. Long before, scoring is cut
    down."""
    decode_tunnels: bool = True
    """Meter what GRE, VXLAN, GTP and the like carry instead of the tunnel. On, because one tunnel would be
    one flow, however many attacks go through it."""
    vlan_in_key: bool = True
    """Tell flows of different VLANs apart. On, because VLANs may reuse addresses; off where a mirror port
    shows one packet with and without its tag."""


class WindowConfig(Section):
    """`[window]`: how flows become sequences, one sliding window per host and role."""

    max_hosts: Annotated[int, Field(ge=16, le=1_000_000)] = 4096
    """Hosts with a window, in each role; eviction is counted. A window takes about 9 kB, and
    up to 16 kB more for its counts once the host has shown a few flows, so that the worst flood ends near
    140 MB for both roles."""
    max_windows_per_interval: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Windows scored in one interval (250 ms of packet time), in each role, at most; those left out are
    counted as shed. Scoring one takes about 0.1 ms, so that a full load is a fifth of one core however
    many sources a flood invents."""
    calm_flows: Annotated[int, Field(ge=1, le=256)] = 8
    """New flows after which a calm host's window is scored again; a host is calm whose last window was
    surely benign or showed an attack that an open incident tells already, and any other's is scored in
    every interval. Scoring is most of the work, and a window of 32 flows with one new one says what it said
    before. 1 scores all."""
    calm_ms: Annotated[int, Field(ge=1, le=60_000)] = 4000
    """Milliseconds of packet time after which a calm host's window is scored again however few flows are
    new. With four seconds instead of two a busy network costs a sixth less, the same attacks are found, and
    they open 0.1 s later (0.2 s the slowest)."""


class ThresholdConfig(Section):
    """`[thresholds]`: when a probability becomes an opinion. None means: as the bundle says.

    The bundle's were chosen for a false-alarm budget on traffic that training never saw.
    """

    benign: Probability | None = None
    """Benign is believed from this probability up; below it a window is uncertain. Higher finds more and
    alarms more."""
    recon: Probability | None = None
    """Recon is raised from this probability up. Lower finds slower scans and alarms more."""
    dos: Probability | None = None
    """DoS is raised from this probability up."""
    ddos: Probability | None = None
    """DDoS is raised from this probability up."""


class ShadowConfig(Section):
    """`[shadow]`: a second bundle, which judges the same windows and never alerts."""

    bundle: FilePath | None = None
    """Folder of a bundle to try: `iotids_shadow_verdicts_total` tells where it would have said something
    else. None: scoring twice takes twice the time, and is for the days before a change of bundle."""


class IncidentConfig(Section):
    """`[incidents]`: how verdicts become alerts."""

    open_after: Annotated[int, Field(ge=1, le=100)] = 3
    """Windows of one host that must agree before an incident opens. Three, because single windows err: on
    captures never seen in training, 3 of 5 kept 24 to 27 of 30 benign ones silent."""
    open_within: Annotated[int, Field(ge=1, le=100)] = 5
    """The last so many windows of a host among which `open_after` must agree. Five, so that two that err in
    between do not hide an attack."""
    update_interval_secs: Seconds = 60.0
    """An open incident is reported again at most this often, in seconds of packet time. A minute, because
    hours of flood should be a page to read, not a disk to fill."""
    close_after_secs: Seconds = 60.0
    """An incident without new evidence for this long, in seconds of packet time, is over. A minute, so that
    the pauses of a slow scan do not make one incident many. Longer than the bundle's timeouts."""
    max_open: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Incidents open at once; more are suppressed and counted. Enough for every host of a large site, and a
    bound on memory when sources are spoofed."""
    alert_on_uncertain: bool = True
    """Raise a low-severity alert where neither Benign nor any attack is sure enough. On, because an attack
    unlike those learned looks exactly so; off where nobody reads low severities."""
    allow: Allowances = ()
    """Attackers that raise no alert, `ADDRESS[/PREFIX]` or `ADDRESS[/PREFIX] CATEGORY` with CATEGORY one of
    Recon, DoS and DDoS; suppressed alerts are counted. Empty; a vulnerability scanner of one's own is the
    usual entry."""

    def contradictions(self) -> Iterator[Contradiction]:
        """As many windows must be looked at as have to agree."""
        if self.open_after > self.open_within:
            how = f"got {self.open_after}, allowed is at most open_within = {self.open_within}"
            yield ("open_after", "open_within"), f"{how}, lower open_after or raise open_within"


class Config(Section):
    """The whole configuration."""

    bundle: FilePath | None = None
    """Folder of the model bundle. None: the one that comes with the program, which fits its version."""
    bundle_key: FilePath | None = None
    """PEM file with the Ed25519 public key that has to have signed the bundle; one that is not is refused.
    None, because the bundle that comes with the program is as trustworthy as the program."""
    capture: CaptureConfig = CaptureConfig()
    meter: MeterConfig = MeterConfig()
    window: WindowConfig = WindowConfig()
    thresholds: ThresholdConfig = ThresholdConfig()
    shadow: ShadowConfig = ShadowConfig()
    incidents: IncidentConfig = IncidentConfig()
    output: OutputConfig = OutputConfig()
    syslog: SyslogConfig = SyslogConfig()
    webhook: WebhookConfig = WebhookConfig()
    mqtt: MqttConfig = MqttConfig()
    metrics: MetricsConfig = MetricsConfig()


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Config.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}
"""The models by the names of their tables."""
