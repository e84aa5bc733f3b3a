"""The commands of `iotids-train` that make data: more captures, windows of them, and what those hold."""

from pathlib import Path
from typing import Annotated, Any

import typer

from detector.errors import UsageError

Data = Annotated[Path, typer.Option("--data", help="Directory of extracted windows.")]
DATA_DEFAULT = Path(".cache/windows")

_Stretch = Annotated[list[float] | None, typer.Option(min=0.01, max=100, help="Factor of time; repeatable.")]
_Loss = Annotated[
    list[float] | None, typer.Option(min=0.001, max=0.99, help="Share of packets lost; repeatable.")
]
_Cut = Annotated[list[float] | None, typer.Option(min=0.1, help="Seconds kept from the start; repeatable.")]
_Attackers = Annotated[
    list[int] | None, typer.Option(min=1, max=4096, help="Attacks from so many hosts; repeatable.")
]
_Slow = Annotated[
    list[float] | None, typer.Option(min=0.01, max=100, help="Factor of time of attacks alone; repeatable.")
]
_Jitter = Annotated[
    list[float] | None,
    typer.Option(min=0.001, max=60, help="Longest delay of attackers' packets, seconds; repeatable."),
]
_Padding = Annotated[
    list[int] | None,
    typer.Option(min=1, max=1400, help="Most bytes added to their packets; repeatable."),
]
_Decoys = Annotated[
    list[int] | None,
    typer.Option(min=1, max=256, help="Made-up hosts that send a scan's probes too; repeatable."),
]
Manifests = Annotated[
    list[Path] | None,
    typer.Option("--manifest", help="JSON list of captures with class and origin; repeatable."),
]
Captures = Annotated[
    Path | None, typer.Option("--captures", help="Where a manifest's files are; default: beside it.")
]
Labs = Annotated[
    list[Path] | None, typer.Option("--lab", help="Folder that lab or augment made; repeatable.")
]
Named = Annotated[
    list[Path] | None,
    typer.Option("--named", help="Folder of captures with the label in the name (CICIoMT2024); repeatable."),
]
Tables = Annotated[
    list[Path] | None, typer.Option("--table", help="Folder with a labels.csv of its captures; repeatable.")
]
Licence = Annotated[
    str, typer.Option("--licence", help="Of the captures of --named; one with NC in it trains no model.")
]


def augment(
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for the new captures and truths; continued if it exists.")
    ],
    manifest: Manifests = None,
    captures: Captures = None,
    lab: Labs = None,
    named: Named = None,
    table: Tables = None,
    licence: Licence = "not stated",
    stretch: _Stretch = None,
    loss: _Loss = None,
    cut: _Cut = None,
    one_way: Annotated[bool, typer.Option("--one-way", help="Only what those send who begin.")] = False,
    nat: Annotated[bool, typer.Option("--nat", help="Attackers, or clients, behind one address.")] = False,
    attackers: _Attackers = None,
    slow: _Slow = None,
    jitter: _Jitter = None,
    padding: _Padding = None,
    decoys: _Decoys = None,
    mix: Annotated[int, typer.Option(min=0, help="Benign captures to lay each attack into.")] = 0,
    across: Annotated[
        bool, typer.Option("--across", help="--mix with benign captures of any origin.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of loss, addresses, and what is mixed how.")] = 0,
) -> None:
    """Make captures of captures: each option makes one of each, truth beside it."""
    from train import augment as making  # noqa: PLC0415 - `--help` need not load it
    from train import progress, sources  # noqa: PLC0415 - as above

    lists = {"stretch": stretch, "loss": loss, "cut": cut, "attackers": attackers}
    lists |= {"slow": slow, "jitter": jitter, "padding": padding, "decoys": decoys}
    given: dict[str, Any] = {name: values or () for name, values in lists.items()}
    options = making.Options(one_way=one_way, nat=nat, mix=mix, across=across, seed=seed, **given)
    if not options.each:
        raise UsageError(
            "nothing to do; give --stretch, --loss, --cut, --one-way, --nat, --attackers, --slow, --jitter, "
            "--padding, --decoys or --mix"
        )
    found = sources.gather(
        manifests=manifest, captures=captures, labs=lab, named=named, tables=table, licence=licence, say=_say
    )
    with progress.bar("captures", len(found)) as bar:
        made = making.augment(found, out, options, told=bar.advance)
    for name, why in sorted(made.left_out.items()):
        _say(f"{name}: {why}")
    _say(f"{out}: made {len(made.made)}, kept {len(made.kept)}, left out {len(made.left_out)}")


def extract(
    *,
    manifest: Manifests = None,
    captures: Captures = None,
    lab: Labs = None,
    named: Named = None,
    table: Tables = None,
    licence: Licence = "not stated",
    data: Data = DATA_DEFAULT,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a processor.")] = None,
) -> None:
    """Read captures through the detector's own meter, features and windows.

    What is in the data directory stays there; a capture that did not change is not read again.
    """
    from train import corpus, duplicates, progress, sources  # noqa: PLC0415 - `--help` need not load the meter

    found = sources.gather(
        manifests=manifest, captures=captures, labs=lab, named=named, tables=table, licence=licence, say=_say
    )
    if corpus.starts_anew(data):
        _say(f"{data}: other code, features or settings made it; only the captures named now are kept")
    with progress.bar("captures", len(found)) as bar:

        def told(done: corpus.Extracted) -> None:
            bar.advance(done.source.name)
            if done.problem and not done.cached:
                bar.say(f"{done.source.path}: {done.problem}")

        index = corpus.extract_all(found, data, jobs=jobs, told=told)
    for line in [*corpus.refusals(index), *duplicates.find(data, index.entries).lines()]:
        _say(line)
    total = sum(entry.windows for entry in index.entries)
    _say(f"{data}: {total} windows of {len(index.entries)} captures, {len(index.origins)} origins")
    _say(f"{data}: {index.digest}")


def describe(
    *,
    data: Data = DATA_DEFAULT,
    out: Annotated[Path, typer.Option(help="Folder for datasets.html and datasets.json.")] = Path(),
    splits: Annotated[bool, typer.Option(help="Also judge a forest on three kinds of split.")] = True,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Tell what the data holds, how real the lab is, and what a split is worth: HTML and JSON."""
    from detector.features import SCHEMA  # noqa: PLC0415 - as below
    from train import describe as describing  # noqa: PLC0415 - `--help` need not load it
    from train import page  # noqa: PLC0415 - as above
    from train.datasets import read_index  # noqa: PLC0415 - as above

    index = read_index(data, schema_digest=SCHEMA.digest)
    described, benign = describing.describe(data, index, splits=splits, seed=seed)
    found = described.realism
    if found:
        told = ", ".join(list(found.giveaways)[:5])
        _say(f"lab against real: area under the curve {found.auc:.3f} (0.5: cannot tell), by {told}")
        for name, auc in found.real_networks.items():
            _say(f"{name} against all other real origins: {auc:.3f}")
    for each in described.splits:
        judged = ", ".join(each["classes"])
        _say(f"forest, split by {each['by']}: macro-F1 {each['macro_f1']:.3f} over {judged}")
    for path in page.write(out, described, benign):
        _say(str(path))


def _say(line: str) -> None:
    typer.echo(line, err=True)
