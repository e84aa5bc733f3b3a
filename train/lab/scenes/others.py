"""Hostile, but neither Recon nor DoS nor DDoS: it is played so that its flows can be left out by name."""

from train.lab.draft import Draft
from train.lab.scenes.onslaught import run
from train.lab.scenes.parties import Sources, victim_of

_DOORS = {
    "ssh": ("serve-banner", "line", 22),
    "telnet": ("serve-banner", "line", 23),
    "http": ("serve-http", "http", 80),
    "mqtt": ("serve-broker", "mqtt", 1883),
}
"""Door to who serves it, how one talks, and where."""


def guessed_passwords(draft: Draft) -> None:
    """Login after login at one door, some tries on each connection."""
    rng, victim = draft.rng, victim_of(draft, answers=True)
    door = rng.choice(sorted(_DOORS))
    server, protocol, port = _DOORS[door]
    draft.serve(victim, server, port, latency_ms=rng.choice((0, 50)))
    run(
        draft,
        Sources(draft, many=draft.chance(0.2), victim=victim),
        "conversations",
        (None, f"{door}-guessing"),
        victim.address,
        servers=[victim.address],
        port=port,
        protocol=protocol,
        clients=draft.whole(1, 40),
        exchanges=rng.choice((1, 3, 6)),
        ask=draft.whole(8, 200),
        reply=1,
        think=draft.between(0.01, 1),
        pause=draft.between(0.01, 1),
        spread=draft.between(0.02, 1),
        count=4000,
    )


def beacon(draft: Draft) -> None:
    """An infected device asks its masters for orders, every so often."""
    host, master = draft.pick(), draft.add_outsider()
    port = draft.serve(master, "serve-banner", draft.rng.choice((23, 443, 6667, 4444, 48_101)), reply="PING")
    event = draft.event(None, "beacon", [host.address], [master.address])
    draft.run(
        host,
        "conversations",
        event=event,
        servers=[master.address],
        port=port,
        protocol="line",
        clients=1,
        exchanges=draft.rng.choice((1, 10_000)),
        ask=draft.whole(1, 120),
        reply=0,
        think=draft.between(0.1, 5),
        pause=draft.between(0.1, 5),
        spread=0.5,
        count=500,
    )
