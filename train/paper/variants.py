"""The table as published, and the table again without what makes it look good."""

from dataclasses import dataclass

import numpy as np

from train.paper.classes import Grouping, grouping
from train.paper.columns import COLUMNS
from train.paper.duplicates import Hashes, first_of_each
from train.paper.giveaways import CLOCK, WINDOW
from train.paper.rows import Rows, Scaler, fit_scaler
from train.paper.settings import Settings
from train.paper.split import Indices, deal, drawn
from train.paper.store import Store


@dataclass(frozen=True, slots=True)
class Variant:
    """What is left out before anything is split."""

    title: str
    without: tuple[str, ...] = ()
    """Columns."""
    once: bool = False
    """Keep every row once; of equal rows, the first."""


PUBLISHED = Variant("as published")
QUESTIONS = (
    PUBLISHED,
    Variant("every row once", once=True),
    Variant("without the clock (IAT)", without=CLOCK),
    Variant("without the window's size (Number, Weight)", without=WINDOW),
    Variant("without any of these", without=(*CLOCK, *WINDOW), once=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Rows dealt out, and what scales them."""

    variant: Variant
    train: Rows
    validate: Rows
    test: Rows
    scaler: Scaler
    classes: tuple[str, ...]


def with_class(store: Store, groups: Grouping, settings: Settings) -> Indices:
    """Return the rows that have a class, at most as many as the settings allow."""
    return drawn(np.flatnonzero(groups.of_label[store.labels] >= 0), settings.rows, settings.seed)


def prepare(
    store: Store, candidates: Indices, hashes: Hashes | None, variant: Variant, settings: Settings
) -> Task:
    """Deal out the rows of a variant; `hashes` are those of the candidates, where any are left out."""
    groups = grouping(settings.classes)
    if variant.once and hashes is not None:
        candidates = candidates[first_of_each(hashes)]
    split = deal(candidates, store.in_test, settings.split, settings.seed)
    columns = tuple(number for number, name in enumerate(COLUMNS) if name not in variant.without)
    train, validate, test = (
        Rows(store.rows, indices, columns, groups.of_label[store.labels[indices]])
        for indices in (split.train, split.validate, split.test)
    )
    return Task(variant, train, validate, test, fit_scaler(train), groups.names)
