"""Who attacks, and whom: drawn the same way for all attacks."""

from ipaddress import ip_network
from typing import Any

from train.lab.draft import Draft
from train.lab.plan import Host


def scanner(draft: Draft) -> tuple[Host, str]:
    """Return who scans, and from which address: a stranger here, an infected device, or somebody outside."""
    where = draft.rng.choices(("stranger", "device", "outside"), (55, 15, 30))[0]
    if where == "stranger":
        host = draft.add_device("attacker")
        if draft.chance(0.8):
            host.mtu = 1500
        return host, host.address
    if where == "device":
        host = draft.pick()
        return host, host.address
    host = draft.add_outsider()
    return host, host.address


def reachable(draft: Draft, attacker: Host) -> list[Host]:
    """Return whom the attacker reaches across the captured switch."""
    gateway = [draft.gateway] if attacker.segment == "lan" else []
    return [host for host in [*draft.devices, *gateway] if host is not attacker]


def targets(draft: Draft, attacker: Host, *, most: int = 4, only4: bool = False) -> list[str]:
    """Return one or a few living hosts, all by IPv4 or all by IPv6."""
    neighbours = reachable(draft, attacker)
    living = [host.address for host in neighbours]
    if attacker.segment == "lan" and attacker.address6 and not only4 and draft.chance(0.35):
        living = [host.address6 for host in neighbours if host.address6] or living
    chosen = draft.rng.sample(living, min(len(living), draft.rng.choice((1, 1, 1, 2, most))))
    if draft.chance(0.15):
        for host in draft.devices:
            host.mute |= host.address in chosen
    return chosen


def seen_as(attacker: Host, aims: list[str]) -> str:
    """Return the attacker's address in the targets' family."""
    return (attacker.address6 or attacker.address) if ":" in aims[0] else attacker.address


def neighbourhood(draft: Draft, attacker: Host, most: int = 254) -> list[str]:
    """Return a run of the network's addresses: a crowd's where there is one, else most of them nobody's."""
    if not any(host.kind == "crowd" for host in draft.hosts) and draft.chance(0.85):
        for host in draft.add_crowd():
            for port in draft.rng.sample((22, 23, 80, 5555, 7547, 8080), draft.rng.randint(0, 3)):
                draft.serve(host, "serve-banner", port, banner="login: ")
    size = min(most, draft.lan.num_addresses - 2)
    count = draft.rng.randint(min(20, size), size)
    first = draft.rng.randint(1, draft.lan.num_addresses - 1 - count)
    mine = {address.split("/")[0] for address in attacker.addresses}
    if attacker.segment == "wan":
        mine.add(draft.gateway.address)
    crowd = [a.split("/")[0] for host in draft.hosts if host.kind == "crowd" for a in host.addresses]
    if crowd and draft.chance(0.65):
        return draft.rng.sample(crowd, min(len(crowd), most))
    run = {str(draft.lan[first + n]) for n in range(count)} | {host.address for host in draft.devices}
    return sorted(run - mine)


def strangers(draft: Draft) -> list[str]:
    """Return addresses all over the internet: what an infected device tries."""
    return [draft.public_address() for _ in range(draft.rng.randint(60, 900))]


def server_of(draft: Draft) -> tuple[Host, str]:
    """Draw who serves: a device, the gateway, or a cloud."""
    where = draft.rng.choices(("device", "gateway", "cloud"), (70, 8, 22))[0]
    if where == "cloud":
        return draft.internet, draft.rng.choice(draft.clouds)
    host = draft.gateway if where == "gateway" else draft.pick()
    return host, host.address


class Sources:
    """Who floods, or whose clients ask: the hosts that do it, and the addresses that the victim sees.

    One is a stranger, a device that has its own life beside, or somebody outside. Many, 2 to some
    hundreds, are devices, strangers of the network, or outsiders of a few networks or of as many as they
    are. What `victim` is outside is only asked from inside: the rest would not cross the captured switch.
    """

    def __init__(
        self, draft: Draft, *, many: bool, victim: Host | None = None, kind: str = "attacker"
    ) -> None:
        inside = draft.chance(0.6)
        if victim is not None:
            inside |= victim.segment == "wan" or victim is draft.gateway
        others = [host for host in draft.devices if host is not victim]
        self.hosts: list[tuple[Host, list[str]]] = []
        if not many:
            infected = others and draft.chance(0.3)
            host = draft.rng.choice(others) if infected else draft.add_device(kind)
            self.hosts = [(host if inside else draft.add_outsider(), [])]
        elif inside and len(others) > 1 and draft.chance(0.25):
            self.hosts = [(host, []) for host in draft.rng.sample(others, draft.whole(2, len(others)))]
        else:
            self._gather(draft, kind, inside=inside)
        self.hosts = [(host, own or [host.address]) for host, own in self.hosts]
        self.addresses = [address for _, own in self.hosts for address in own]

    def _gather(self, draft: Draft, kind: str, *, inside: bool) -> None:
        machines = draft.rng.randint(1, 3)
        room = draft.lan.num_addresses // 5 if inside else 400
        for _ in range(machines):
            size = max(2, draft.whole(2, room) // machines)
            if inside:
                host = draft.add_device(kind)
                extra = [draft.lan_address() for _ in range(size - 1)]
                host.addresses += [f"{address}/{draft.lan.prefixlen}" for address in extra]
                self.hosts.append((host, [host.address, *extra]))
            elif draft.chance(0.4):
                host = draft.add_outsider()
                scattered = [draft.public_address() for _ in range(min(size, 100))]
                host.pools += [f"{address}/32" for address in scattered]
                self.hosts.append((host, scattered))
            else:
                host = draft.add_outsider(max(22, 31 - size.bit_length()))
                network = ip_network(host.pools[0])
                numbers = draft.rng.sample(range(1, network.num_addresses - 1), size)
                self.hosts.append((host, [str(network[number]) for number in numbers]))

    def turn_to_six(self, draft: Draft) -> bool:
        """Give the sources as many IPv6 addresses and use those; False where that cannot be."""
        lan6 = draft.lan6
        if lan6 is None or any(host.segment == "wan" for host, _ in self.hosts):
            return False
        for index, (host, own) in enumerate(self.hosts):
            six = [str(lan6[draft.rng.getrandbits(40) + 2]) for _ in own]
            host.addresses += [f"{address}/64" for address in six]
            self.hosts[index] = (host, six)
        self.addresses = [address for _, own in self.hosts for address in own]
        return True


def victim_of(draft: Draft, *, answers: bool = False, inside: bool = False) -> Host:
    """Draw a device, now and then somebody outside whom infected devices attack.

    The gateway's own traffic with the outside would not cross the captured switch. Unless it must
    answer, a victim may be mute: what a one-way tap or a firewall makes of it.
    """
    if not inside and draft.chance(0.12):
        return draft.add_outsider()
    host = draft.rng.choice(draft.devices)
    if not answers and draft.chance(0.2):
        host.mute = True
    return host


def victim_service(draft: Draft, program: str, port: int, *kinds: str, **params: Any) -> Host:
    """Draw a victim for floods of requests: it serves, breaks down, is closed, or is walled off."""
    host = draft.pick(*kinds) if kinds and draft.chance(0.8) else victim_of(draft, answers=True)
    state = draft.rng.choices(("serves", "breaks down", "closed", "mute"), (70, 12, 9, 9))[0]
    if state == "mute" and host.segment == "lan":
        host.mute = True
    elif state != "closed":
        until = draft.rng.uniform(0.3, 0.8) * draft.seconds if state == "breaks down" else None
        draft.serve(host, program, port, until=until, **params)
    return host
