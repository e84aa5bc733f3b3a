"""`iotids-detect`: from the command line to an exit code.

0 done, 2 usage or configuration, 3 capture, 4 bundle, 1 anything else. What an operator can mend is
one line on standard error; a traceback is a defect of ours.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from detector import __version__
from detector.config import Config, Flag, load, override
from detector.errors import IotidsError, UsageError
from detector.logs import one_line, set_up

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_Many = list[str] | None
SELF_TEST = typer.Option("--self-test", help="See every class fire on made traffic, and quiet stay quiet.")
CONFIG = typer.Option("--config", "-c", help="Configuration file (TOML).")


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if asked:
        typer.echo(f"iotids {__version__}")
        raise typer.Exit


@app.command(context_settings={"help_option_names": ["-h", "--help"]})
def detect(
    more: Annotated[_Many, typer.Argument(metavar="[PCAP]...", help="More captures, after --pcap.")] = None,
    *,
    iface: Annotated[
        _Many, typer.Option("--iface", "-i", help="Watch an interface; may be repeated.")
    ] = None,
    pcap: Annotated[_Many, typer.Option("--pcap", "-r", help="Replay a file, a directory, or - .")] = None,
    config: Annotated[Path | None, CONFIG] = None,
    bundle: Annotated[str | None, typer.Option(help="Model bundle; default: the one shipped.")] = None,
    speed: Annotated[
        str | None, typer.Option(help="Pace of a replay: max (the default), or a factor such as 1.0.")
    ] = None,
    alerts: Annotated[str | None, typer.Option(help="Append alerts as JSON lines; - is stdout.")] = None,
    flows: Annotated[Path | None, typer.Option(help="Write flow records as JSON lines (replay).")] = None,
    bpf: Annotated[str | None, typer.Option("--filter", help="BPF filter, as for tcpdump.")] = None,
    metrics_textfile: Annotated[Path | None, typer.Option(help="Write metrics after a replay.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check config, bundle, rights; no packet.")] = False,
    self_test: Annotated[bool, SELF_TEST] = False,
    version: Annotated[  # noqa: ARG001 - told by its callback
        bool, typer.Option("--version", help="Show the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Tell DDoS, DoS and Recon from ordinary traffic, on interfaces or in captures."""
    others = {"--iface": iface, "--check": check, "--self-test": self_test}
    captures = _captures(pcap or [], more or [], others)
    if not captures:
        _refuse({"--speed": speed, "--flows": flows, "--metrics-textfile": metrics_textfile})
    pace = _speed(speed)
    reread = partial(
        _settings,
        config,
        Flag("--iface", "capture.interfaces", iface),
        Flag("--filter", "capture.bpf_filter", bpf),
        Flag("--bundle", "bundle", bundle),
        Flag("--alerts", "output.alerts", alerts),
    )
    settings = reread()
    set_up(settings.output.log_format, settings.output.log_level)
    from detector import run  # noqa: PLC0415 - the path takes longer to load than a usage error

    if self_test:
        run.self_test(settings)
    elif check:
        run.check(settings)
    elif captures:
        run.replay(settings, captures, speed=pace, flows=flows, metrics_textfile=metrics_textfile)
    elif settings.capture.interfaces:
        run.watch(settings, reread)
    else:
        raise UsageError("nothing to look at; give --iface NAME, --pcap FILE, or interfaces in --config")


def _settings(config: Path | None, *flags: Flag) -> Config:
    return override(load(config) if config else Config(), *flags)


def _captures(first: list[str], more: list[str], others: Mapping[str, object]) -> list[str]:
    """Return all captures named; no replay goes with any of the other options."""
    beside = next((option for option, given in others.items() if given), None)
    if more and not first:
        raise UsageError(f"got {more[0]!r} without an option; write --pcap {more[0]} to replay a capture")
    if first and beside:
        raise UsageError(f"got --pcap and {beside}; replay, or watch, or check, not both")
    return [*first, *more]


def _refuse(replay_options: dict[str, object]) -> None:
    for option, given in replay_options.items():
        if given is not None:
            raise UsageError(f"{option} belongs to a replay; give --pcap FILE too, or leave it out")


def _speed(text: str | None) -> float | None:
    if text is None or text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed <= 1e6:  # noqa: PLR2004 - beyond it, max is meant
        raise UsageError(f"--speed {text}: expected max, or a factor above 0 such as 1.0 or 10")
    return speed


def run_app(command: Callable[[list[str]], object], arguments: list[str]) -> int:
    """Run a Typer command in its `standalone_mode=False`; return its exit code."""
    try:
        code = command(arguments)
    except IotidsError as error:
        return _say(str(error), error.exit_code)
    except typer.TyperException as error:
        return _say(f"{error.format_message().rstrip('.')}; see --help", error.exit_code)
    # Typer ends quietly where the reader of our output is gone, and returns the code of what ended early
    # (--help, Ctrl-C), else the command's result.
    return code if isinstance(code, int) else 0


def _say(message: str, code: int) -> int:
    print(f"error: {one_line(message)}", file=sys.stderr)  # noqa: T201 - the one line
    return code


def main() -> None:
    """Run `iotids-detect`."""
    sys.exit(run_app(lambda arguments: app(arguments, standalone_mode=False), sys.argv[1:]))
