"""Reflection and amplification as the victim sees it: answers it never asked for, from real services."""

from train.lab import rawip
from train.lab.actor import Actor
from train.lab.plan import Job
from train.lab.registry import program

SERVICES = {
    "dns": (53, 512, 3800),
    "ntp": (123, 468, 468),
    "snmp": (161, 400, 1400),
    "ssdp": (1900, 260, 420),
    "memcached": (11211, 1400, 1400),
    "cldap": (389, 1100, 2900),
    "chargen": (19, 74, 1024),
    "coap": (5683, 300, 1100),
    "ws-discovery": (3702, 600, 1800),
}
"""Service to source port and smallest and largest answer, bytes."""

_MTU_PAYLOAD = 1472


@program
async def reflection(me: Actor, job: Job) -> None:
    """Answers of `reflectors` to `target`; long ones come in fragments, as they do."""
    p = job.params
    port, smallest, largest = SERVICES[p["service"]]
    reflectors = [(rawip.packed(address), me.rng.randint(48, 250)) for address in p["reflectors"]]
    filler = me.rng.randbytes(4096)
    to = rawip.packed(p["target"])
    sender = rawip.RawSender(p["target"])
    asked = p["port"]
    try:
        async for number in me.paced(p["rate"], shape=p.get("shape", "steady"), count=p["count"]):
            source, ttl = me.rng.choice(reflectors)
            size = me.rng.randint(smallest, largest)
            victim_port = asked if asked > 0 else me.rng.randint(1024, 65_535)
            datagram = rawip.udp(source, to, (port, victim_port), filler[:size])
            if size <= _MTU_PAYLOAD:
                sender.send(
                    rawip.packet(source, to, rawip.UDP, datagram, ttl=ttl, identifier=number & 0xFFFF),
                    p["target"],
                )
                continue
            for piece in rawip.fragments(source, to, rawip.UDP, datagram, identifier=number & 0xFFFF):
                sender.send(piece, p["target"])
    finally:
        sender.close()
