"""Draw a world from a seed: the same seed gives the same world, on any machine."""

import random

from train.lab.draft import Draft
from train.lab.plan import World
from train.lab.scenes import ATTACKS, BUSTLE, CROWDS, CYCLES, OTHERS, PAIRS
from train.lab.scenes.life import furnish
from train.lab.scenes.pace import slow_down

KINDS = ("benign", "recon", "dos", "ddos", "mixed", "pair", "crowd", "cycle", "overrun")

_SHARES = (50, 40, 35, 35, 15, 0, 0, 0, 0)
"""How many of each kind in a set, where the caller names none."""

_OF_THEIR_OWN = {"pair": PAIRS, "crowd": CROWDS, "cycle": CYCLES}
"""Kinds whose worlds are about one thing, and what that is drawn from."""

_FEW = frozenset({"pair", "cycle", "overrun"})
"""Kinds about two machines."""

QUIET = frozenset({"benign", *_OF_THEIR_OWN})
"""Kinds without an attack."""

_OTHER_SHARE = 0.06
"""Of the worlds: somebody guesses passwords or asks for orders in them."""


def kind_of(seed: int) -> str:
    """Draw the kind of a world of an unnamed set."""
    return random.Random(f"kind {seed}").choices(KINDS, _SHARES)[0]  # noqa: S311 - traffic, not secrets


def draw(seed: int, kind: str | None = None, seconds: tuple[float, float] = (8, 20)) -> World:
    """Draw one world. `seconds` bounds how long it lives.

    Benign worlds have ordinary life and mostly one or two busy scenes; attack worlds mostly have life
    around the attack, and some nothing but the attack; mixed ones several attacks. In a world of a pair, two
    machines are busy with each other, in one of a crowd many with one, and there is often nobody else; in one
    of a cycle, or where one overruns another, they do so over a few flows that last.
    """
    kind = kind or kind_of(seed)
    bare = _is_bare(seed, kind)
    few = bare or kind in _FEW or random.Random(f"few {seed}").randrange(5) == 0  # noqa: S311
    draft = Draft(seed, kind, seconds, devices=(1, 3) if few else (3, 11))
    if not bare:
        furnish(draft)
    busy = draft.rng.choice((0, 1, 2, 2, 3, 3)) if kind == "benign" else draft.rng.choice((0, 0, 1, 1, 2))
    own = _OF_THEIR_OWN.get(kind, ())
    for scene in draft.rng.sample(BUSTLE, 0 if bare or own else busy):
        scene(draft)
    for scene in draft.rng.sample(own, draft.rng.choice((1, 1, 1, 2))) if own else ():
        scene(draft)
    slow_down(draft)
    if not own and not bare and draft.chance(_OTHER_SHARE):
        draft.rng.choice(OTHERS)(draft)
    if kind == "mixed":
        for _ in range(draft.rng.randint(2, 3)):
            draft.rng.choice(ATTACKS[draft.rng.choice(("recon", "recon", "dos", "ddos"))])(draft)
    elif kind not in QUIET:
        draft.rng.choice(ATTACKS[kind])(draft)
    return draft.world()


def _is_bare(seed: int, kind: str) -> bool:
    """Draw whether nothing but what the world is about happens in it."""
    times = {"benign": 0, "mixed": 0, "pair": 2, "crowd": 3, "cycle": 2, "overrun": 2}.get(kind, 7)
    return times > 0 and random.Random(f"bare {seed}").randrange(times) == 0  # noqa: S311
