"""Namespaces, cables and addresses of one world.

All of it lives inside the one set of namespaces that `run` made for the world (`unshare --pid --net
--mount --kill-child`): the first process's network namespace is the switch, each host is a child
with a network namespace of its own that has no name. When the first process dies, however it dies, the
kernel ends every process in its PID namespace, and with the last one the namespaces, bridges and
cables are gone. There is nothing to clean up, so nothing can be left behind.
"""

import ctypes
import ipaddress
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from train.lab import tools
from train.lab.plan import Host, World

LAN, WAN = "br0", "wan0"
"""The captured switch, and the one between the gateway and the internet."""

_CLONE_NEWNET = 0x40000000
UPLINK = "100.64.0.0/24"
"""Addresses between the gateway and everything outside."""
GATEWAY_UPLINK = "100.64.0.254"
INTERNET = "100.64.0.1"
UPLINK6 = "2001:db8:ffff::"
GATEWAY_UPLINK6, INTERNET6 = f"{UPLINK6}254", f"{UPLINK6}1"


def enter_new_namespace() -> None:
    """Give the calling process a network namespace of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")


def ip_batch(lines: Iterable[str]) -> None:
    """Hand a list of commands to one `ip -batch`."""
    _run([str(tools.find("ip")), "-batch", "-"], "\n".join(lines) + "\n")


def _run(argv: list[str], text: str = "") -> None:
    done = subprocess.run(argv, input=text, text=True, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")


def switch_commands() -> list[str]:
    """Commands for the two bridges, in the switch's namespace. They forward and say nothing themselves."""
    lines = ["link set lo up"]
    for bridge in (LAN, WAN):
        lines += [f"link add {bridge} type bridge stp_state 0 mcast_snooping 0 forward_delay 0"]
    return lines


def cable_commands(host: Host, index: int, pid: int) -> list[str]:
    """Commands that plug a host in. An impaired link ends at a relay instead of at the bridge."""
    bridge = LAN if host.segment == "lan" else WAN
    port = f"p{index}"
    lines = [f"link add {port} type veth peer name eth0 netns {pid}"]
    if host.link.impaired:
        lines += [f"link add r{index} type veth peer name q{index}", f"link set {port} up"]
        lines += [f"link set q{index} up", f"link set r{index} master {bridge} up"]
    else:
        lines += [f"link set {port} master {bridge} up"]
    if host.kind == "gateway":
        lines += [
            f"link add g{index} type veth peer name eth1 netns {pid}",
            f"link set g{index} master {WAN} up",
        ]
    return lines


def set_up_switch(world: World, pids: list[int]) -> None:
    """Build bridges and cables; `pids` are the hosts' processes, in the order of `world.everyone`."""
    ip_batch(switch_commands())
    for bridge in (LAN, WAN):
        write_sysctl(f"net.ipv6.conf.{bridge}.disable_ipv6", "1")
    write_sysctl("net.ipv6.conf.default.disable_ipv6", "1")
    lines: list[str] = []
    for index, (host, pid) in enumerate(zip(world.everyone, pids, strict=True)):
        lines += cable_commands(host, index, pid)
    ip_batch([*lines, f"link set {LAN} up", f"link set {WAN} up"])


def host_commands(world: World, host: Host) -> list[str]:
    """Commands for addresses and routes, in the host's own namespace."""
    lines = ["link set lo up", f"link set eth0 address {host.mac} mtu {host.mtu} up"]
    lines += [
        f"addr add {address} dev eth0{' nodad' if ':' in address else ''}" for address in host.addresses
    ]
    for pool in host.pools:
        lines += [f"route add local {pool} dev lo"]
    lines += [f"route add {host.silence} {quiet} table local" for quiet in host.silent]
    if host.mute:
        # Two halves are more specific than the connected network: whatever leaves is thrown away.
        return [*lines, *(f"route add blackhole {half}" for half in _halves(world.lan4))]
    if host.kind == "gateway":
        return lines + _gateway_commands(world)
    if host.segment == "lan":
        lines += [f"route add default via {world.gateway.address}"]
        if world.lan6 is not None and any(":" in address for address in host.addresses):
            gateway6 = next(a for a in world.gateway.addresses if ":" in a).split("/")[0]
            lines += [f"route add ::/0 via {gateway6}"]
        return lines
    lines += [f"route add {world.lan4} via {GATEWAY_UPLINK}"]
    if host.kind != "internet":
        lines += [f"route add default via {INTERNET}"]
    if world.lan6 is not None:
        lines += [f"route add {world.lan6} via {GATEWAY_UPLINK6}"]
    return lines


def _halves(network: str) -> list[str]:
    return [str(half) for half in ipaddress.ip_network(network).subnets()]


def _gateway_commands(world: World) -> list[str]:
    lines = [
        "link set eth1 up",
        f"addr add {GATEWAY_UPLINK}/24 dev eth1",
        f"route add default via {INTERNET}",
    ]
    if world.lan6 is not None:
        lines += [f"addr add {GATEWAY_UPLINK6}/64 dev eth1 nodad", f"route add ::/0 via {INTERNET6}"]
    for host in world.hosts:
        if host.segment == "wan" and host.kind != "internet":
            lines += [f"route add {pool} via {host.address}" for pool in host.pools if ":" not in pool]
    return lines


def set_up_host(world: World, host: Host) -> None:
    """Configure the calling process's namespace as this host's."""
    settings = {
        "net.ipv4.conf.all.rp_filter": "0",
        "net.ipv4.conf.default.rp_filter": "0",
        "net.ipv4.conf.all.arp_ignore": "1",
        "net.ipv4.ip_default_ttl": str(host.ttl),
        "net.ipv4.ping_group_range": "0 0",
        "net.ipv6.conf.all.disable_ipv6": "0" if world.lan6 else "1",
        "net.ipv6.conf.default.disable_ipv6": "0" if world.lan6 else "1",
    }
    if host.kind == "gateway":
        settings |= {
            "net.ipv4.ip_forward": "1",
            "net.ipv6.conf.all.forwarding": "1",
            "net.ipv4.conf.all.send_redirects": "0",
            "net.ipv4.conf.default.send_redirects": "0",
        }
    for key, value in (settings | host.sysctls).items():
        write_sysctl(key, value)
    ip_batch(host_commands(world, host))
    for device in ("eth0", "eth1") if host.kind == "gateway" else ("eth0",):
        # Real wires carry no 64 KB segments and no unfinished checksums.
        features = ("tso", "gso", "gro", "tx", "rx")
        flags = [word for feature in features for word in (feature, "off")]
        _run([str(tools.find("ethtool")), "-K", device, *flags])


def write_sysctl(key: str, value: str) -> None:
    """Set one kernel setting of the calling process's namespace, where this kernel has it."""
    path = Path("/proc/sys") / key.replace(".", "/")
    if path.exists():
        path.write_text(value, encoding="ascii")


def fork_host() -> tuple[int, int, int]:
    """Fork a process in a new network namespace.

    Returns `(pid, end_to_parent, end_to_child)` as pipe descriptors: in the parent, pid is the child's and
    the namespace exists already; in the child, pid is 0.
    """
    up_read, up_write = os.pipe()
    down_read, down_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(up_read)
        os.close(down_write)
        enter_new_namespace()
        os.write(up_write, b"1")
        return 0, up_write, down_read
    os.close(up_write)
    os.close(down_read)
    if os.read(up_read, 1) != b"1":
        raise OSError("a host's network namespace could not be made")
    return pid, up_read, down_write
