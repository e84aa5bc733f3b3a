"""The shipped captures that the lab makes: real programs in network namespaces. Needs root.

    python tests/pcaps/make.py [FOLDER]

Who is there and what happens is fixed; the programs' own timing differs from run to run.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.run import make, name

_WHOLE_PACKETS = 262_144
"""Shipped captures are also played onto interfaces, which needs more than headers."""


class Home:
    """A small home: a hub with a broker, and devices that talk to it and to their clouds."""

    def __init__(self, seed: int, kind: str, seconds: float) -> None:
        self.draft = draft = Draft(seed, kind, (seconds, seconds), devices=(0, 0))
        kinds = ("hub", "camera", "plug", "sensor", "phone", "printer")
        self.hub, self.camera, self.plug, self.sensor, self.phone, self.printer = (
            self._device(kind) for kind in kinds
        )
        for service, port in (("dns", 53), ("ntp", 123)):
            draft.serve(draft.internet, "serve-datagrams", port, kind=service)
        draft.serve(draft.gateway, "serve-datagrams", 53, kind="dns")
        draft.serve(draft.internet, "serve-http", 80)
        draft.serve(draft.internet, "serve-http", 443, tls=True)
        draft.serve(self.hub, "serve-broker", 1883)
        for host in (self.camera, self.plug, self.printer):
            draft.serve(host, "serve-http", 80, page_bytes=600)
        draft.serve(self.camera, "serve-banner", 23, banner="login: ")
        draft.serve(self.printer, "serve-banner", 9100)

    def _device(self, kind: str) -> Host:
        host = self.draft.add_device(kind)
        host.mtu = 1500
        self.draft.devices.append(host)
        return host

    def live(self) -> None:
        """Ordinary life, at a few packets a second each."""
        draft, hub, cloud = self.draft, self.hub.address, self.draft.clouds[0]
        draft.run(self.hub, "mqtt-subscribe", broker=hub)
        draft.run(self.sensor, "mqtt-telemetry", broker=hub, period=2.0, bytes=60)
        draft.run(self.plug, "mqtt-telemetry", broker=hub, period=1.3, bytes=24, qos=1)
        draft.run(self.sensor, "mqtt-short", broker=hub, period=6.0, bytes=40)
        draft.run(self.hub, "poll-http", server=self.plug.address, port=80, path="/status", period=4.0)
        draft.run(
            self.camera, "poll-http", server=cloud, port=443, tls=True, path="/b/900", period=5.0, body=300
        )
        draft.run(self.camera, "keep-alive", server=cloud, port=123, period=2.5, bytes=48)
        draft.run(self.phone, "dns-lookups", resolver=draft.gateway.address, rate=0.7)
        draft.run(
            self.phone, "poll-http", server=draft.clouds[1], port=80, path="/b/2500", period=4.0, keep=2
        )
        draft.run(self.phone, "ssdp-search", period=9.0)
        draft.run(self.printer, "mdns", period=6.0)
        draft.run(self.hub, "ntp-sync", servers=draft.clouds[:2], period=8.0)
        draft.run(self.hub, "ping", target=draft.gateway.address, period=1.0)

    def make(self, folder: Path, file_name: str) -> None:
        world = self.draft.world()
        world.snap_bytes = _WHOLE_PACKETS
        trouble = make(world, folder)
        if trouble:
            raise SystemExit(f"{file_name}: {trouble}")
        for suffix in ("pcap", "json"):
            (folder / f"{name(world)}.{suffix}").replace(folder / f"{file_name}.{suffix}")


def scan_among_devices(folder: Path) -> None:
    """Nmap's SYN scan of 600 ports of the camera, 15 s into ordinary life."""
    home = Home(66, "recon", 36)
    home.live()
    attacker = home.draft.add_device("attacker")
    args = ["-sS", "-Pn", "-T4", "-p", "1-600", "--max-rate", "150"]
    event = home.draft.event(Category.RECON, "nmap-syn", [attacker.address], [home.camera.address], args=args)
    home.draft.run(attacker, "nmap", (15.0, 12.0), event=event, args=args, targets=[home.camera.address])
    home.make(folder, "scan-among-devices")


def quiet_home(folder: Path) -> None:
    """Nothing but ordinary life."""
    home = Home(36, "benign", 35)
    home.live()
    home.make(folder, "quiet-home")


def udp_flood_one_source(folder: Path) -> None:
    """Two thousand datagrams from one device to the plug, in five seconds."""
    home = Home(17, "dos", 20)
    home.live()
    attacker = home.draft.add_device("attacker")
    event = home.draft.event(Category.DOS, "udp-flood", [attacker.address], [home.plug.address])
    flood = {"kind": "udp", "bytes": 18, "port": -1, "source_port": -1, "rate": 400, "count": 2000}
    home.draft.run(
        attacker,
        "flood",
        (8.0, 6.0),
        event=event,
        target=home.plug.address,
        sources=[attacker.address],
        **flood,
    )
    home.make(folder, "udp-flood-one-source")


SCENES: tuple[Callable[[Path], None], ...] = (scan_among_devices, quiet_home, udp_flood_one_source)

if __name__ == "__main__":
    for scene in SCENES:
        scene(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
