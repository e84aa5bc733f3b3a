"""Nmap in its many ways."""

from detector.records import Category
from train.lab.draft import Draft
from train.lab.scenes.parties import neighbourhood, scanner, seen_as, targets

_NMAP_SERVICES = "21,22,23,25,53,80,110,139,143,443,445,502,554,1883,1900,5000,5683,8080,8443,8883,9100,49152"


def _nmap(draft: Draft, tool: str, args: list[str], *, only4: bool = False) -> None:
    """Let a scanner run nmap with `args` and a drawn hurry against a few living hosts."""
    attacker, _ = scanner(draft)
    aims = targets(draft, attacker, only4=only4)
    address = seen_as(attacker, aims)
    timing = draft.rng.choice(("-T3", "-T4", "-T4", "-T5"))
    tuned = args if any(arg.startswith("-T") for arg in args) else [timing, *args]
    if draft.chance(0.25):
        tuned = [*tuned, "--max-rate", str(draft.whole(20, 1500))]
    if draft.chance(0.5):
        tuned = [*tuned, "-Pn"]
    decoys = args[args.index("-D") + 1].split(",") if "-D" in args else []
    event = draft.event(Category.RECON, tool, [address, *(d for d in decoys if d != "ME")], aims, args=tuned)
    draft.run(attacker, "nmap", draft.span(5), event=event, args=tuned, targets=aims)


def _ports(draft: Draft) -> str:
    first = draft.rng.randint(1, 2000)
    return draft.rng.choice(("1-1000", f"{first}-{first + draft.whole(30, 3000)}", "20-1023", "1-65535"))


def syn_scan(draft: Draft) -> None:
    """Nmap's half-open scan."""
    _nmap(draft, "nmap-syn", ["-sS", "-p", _ports(draft)])


def connect_scan(draft: Draft) -> None:
    """Nmap's full connections."""
    _nmap(draft, "nmap-connect", ["-sT", "-p", _ports(draft)])


def udp_scan(draft: Draft) -> None:
    """Nmap's questions to the usual UDP ports."""
    _nmap(draft, "nmap-udp", ["-sU", "--top-ports", str(draft.whole(10, 300)), "--max-retries", "1"])


def odd_flags_scan(draft: Draft) -> None:
    """FIN, null, Xmas, ACK, window, Maimon and SCTP scans."""
    flag = draft.rng.choice(("-sF", "-sN", "-sX", "-sA", "-sW", "-sM", "-sY"))
    _nmap(draft, f"nmap{flag}", [flag, "-p", _ports(draft), "--max-retries", "1"])


def version_scan(draft: Draft) -> None:
    """Nmap asks open ports which program it is."""
    _nmap(
        draft,
        "nmap-version",
        ["-sV", "--version-intensity", str(draft.rng.randint(0, 7)), "-p", _NMAP_SERVICES],
    )


def os_scan(draft: Draft) -> None:
    """Nmap guesses the operating system."""
    _nmap(draft, "nmap-os", draft.rng.choice((["-O"], ["-A", "-F"], ["-O", "-F"])), only4=True)


def few_ports_scan(draft: Draft) -> None:
    """Nmap, the most usual ports only."""
    _nmap(
        draft,
        "nmap-few-ports",
        draft.rng.choice((["-F"], ["--top-ports", "20"], ["--top-ports", "50"], ["-p", _NMAP_SERVICES])),
    )


def slow_scan(draft: Draft) -> None:
    """Nmap with up to 1.2 seconds between probes."""
    delay = draft.whole(60, 1200)
    _nmap(draft, "nmap-slow", ["-T2", "-sS", "--scan-delay", f"{delay}ms", "-p", _ports(draft)])


def decoy_scan(draft: Draft) -> None:
    """Nmap among invented neighbours that seem to scan too."""
    decoys = ",".join([*(draft.lan_address() for _ in range(draft.rng.randint(2, 6))), "ME"])
    _nmap(draft, "nmap-decoys", ["-sS", "-D", decoys, "-p", "1-1000", "--max-retries", "1"], only4=True)


def script_scan(draft: Draft) -> None:
    """Nmap's default scripts against what is open."""
    _nmap(draft, "nmap-scripts", ["-sC", "-F"])


def protocol_scan(draft: Draft) -> None:
    """Nmap asks which IP protocols are spoken."""
    _nmap(draft, "nmap-protocols", ["-sO", "--max-retries", "1"], only4=True)


def fragment_scan(draft: Draft) -> None:
    """Nmap with its probes in fragments."""
    _nmap(draft, "nmap-fragments", ["-sS", "-f", "-p", _ports(draft)], only4=True)


def host_discovery(draft: Draft) -> None:
    """Nmap looks for who is there."""
    attacker, address = scanner(draft)
    aims = neighbourhood(draft, attacker)
    args = draft.rng.choice(
        (["-sn"], ["-sn", "-PE"], ["-sn", "-PS22,80,443"], ["-sn", "-PU"], ["-sn", "-PE", "-PP", "-PS443"])
    )
    args = [*args, draft.rng.choice(("-T3", "-T4")), *(["--send-ip"] if attacker.segment == "lan" else [])]
    event = draft.event(Category.RECON, "nmap-discovery", [address], aims, args=args)
    draft.run(attacker, "nmap", draft.span(5), event=event, args=args, targets=aims)


def one_port_many_hosts(draft: Draft) -> None:
    """Nmap, one port of a whole network."""
    attacker, address = scanner(draft)
    aims = neighbourhood(draft, attacker)
    port = draft.rng.choice((22, 23, 80, 445, 1883, 5555, 7547, 8080))
    args = ["-sS", "-Pn", "-p", str(port), "-T4", "--max-retries", "1"]
    event = draft.event(Category.RECON, "nmap-one-port", [address], aims, args=args)
    draft.run(attacker, "nmap", draft.span(5), event=event, args=args, targets=aims)
