"""`iotids-train paper`, from the folder to the report: the order of things.

In `--out`: `report.html` and `report.json`; `models/cnn` and `models/cnn-lstm`; and `work/` with the rows and
all results so far, which may be deleted when the report is there. Started again with the same settings, it
goes on where it was.
"""

from pathlib import Path

import numpy as np

from detector.errors import UsageError
from train.paper import duplicates, giveaways
from train.paper.classes import Grouping, grouping
from train.paper.columns import COLUMNS
from train.paper.files import Source, find_sources
from train.paper.report import Questions, Report, write
from train.paper.results import Kept, Result
from train.paper.saved import load, save, simulate
from train.paper.scores import Scores, score
from train.paper.settings import NETWORKS, TREES, Pace, Settings
from train.paper.split import Indices, deal
from train.paper.store import Say, Store, open_store
from train.paper.variants import PUBLISHED, QUESTIONS, Task, prepare, with_class
from train.record import versions

MODELS, WORK = "models", "work"


def reproduce(data: Path, out: Path, settings: Settings, *, say: Say) -> Report:
    """Read, train, question, and write the report.

    Raises:
        UsageError: the folder, a file or a value is not CICIoMT2024's, or `out` cannot be written.
    """
    sources = find_sources(data)
    try:
        return _reproduce(sources, out, settings, say)
    except OSError as error:
        raise UsageError(
            f"{out}: cannot be written ({error.strerror or error}); name an --out with room for 2 GB"
        ) from error


def _reproduce(sources: list[Source], out: Path, settings: Settings, say: Say) -> Report:
    store = open_store(sources, out / WORK / "rows", say=say)
    groups = grouping(settings.classes)
    candidates = with_class(store, groups, settings)
    kept = Kept(out / WORK / "results", store.digest, settings, say)
    task = prepare(store, candidates, None, PUBLISHED, settings)
    say(f"{len(task.train):,} rows train, {len(task.validate):,} validate, {len(task.test):,} test")
    results = [
        *(_network(kept, out, name, task, settings.pace) for name in NETWORKS),
        *(kept.tree(name, task) for name in TREES),
    ]
    report = Report(
        settings=settings,
        versions=versions(),
        files=list(store.files),
        rows=len(store.rows),
        left_out=_left_out(store, groups),
        not_drawn=int((groups.of_label[store.labels] >= 0).sum()) - len(candidates),
        train_rows=len(task.train),
        validate_rows=len(task.validate),
        test_rows=len(task.test),
        results=results,
        sample=simulate(
            load(out / MODELS / NETWORKS[-1]),
            store.rows[task.test.indices[0]],
            task.classes[task.test.classes[0]],
        ),
        questions=_ask(store, candidates, task, kept, settings.questions_pace),
    )
    write(report, out)
    return report


def _network(kept: Kept, out: Path, name: str, task: Task, pace: Pace) -> Result:
    model, result = kept.network(name, task, pace)
    save(out / MODELS / name, model, task, settings=kept.settings, pace=pace, scores=result.scores)
    return result


def _ask(store: Store, candidates: Indices, task: Task, kept: Kept, pace: Pace | None) -> Questions | None:
    if pace is None:
        return None
    kept.say("looking for duplicates")
    hashes = duplicates.row_hashes(store.rows, candidates)
    groups, seed = grouping(kept.settings.classes), kept.settings.seed
    classes = groups.of_label[store.labels[candidates]]
    whole = np.arange(len(candidates))
    in_test = store.in_test[candidates]
    return Questions(
        duplicates=duplicates.among(hashes, classes),
        across={
            how: duplicates.across(hashes, deal(whole, in_test, how, seed)) for how in ("random", "folders")
        },
        clock=_look(task, giveaways.CLOCK, seed),
        window=_look(task, giveaways.WINDOW, seed),
        majority=_majority(task),
        attack_share=float((store.labels[task.test.indices] != 0).mean()),
        table=_table(store, candidates, hashes, kept, pace),
    )


def _table(
    store: Store, candidates: Indices, hashes: duplicates.Hashes, kept: Kept, pace: Pace
) -> list[Result]:
    """Return every model on every variant."""
    results = []
    for variant in QUESTIONS:
        task = prepare(store, candidates, hashes, variant, kept.settings)
        results += [kept.network(name, task, pace)[1] for name in NETWORKS]
        results += [kept.tree(name, task) for name in TREES]
    return results


def _look(task: Task, columns: tuple[str, ...], seed: int) -> giveaways.GiveAway:
    positions = {column: COLUMNS.index(column) for column in columns}
    return giveaways.look(positions, task.train, task.test, task.classes, seed)


def _majority(task: Task) -> Scores:
    largest = np.bincount(task.train.classes).argmax()
    return score(task.classes, task.test.classes, np.full(len(task.test), largest, np.int8))


def _left_out(store: Store, groups: Grouping) -> dict[str, int]:
    rows: dict[str, int] = {}
    for file in store.files:
        if file.label in groups.left_out:
            rows[file.label] = rows.get(file.label, 0) + file.rows
    return rows
