import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import command, network, rules
from tests.command import Done

# A slow machine is no defect; speed is measured by the benchmark.
settings.register_profile("iotids", deadline=None)
settings.load_profile("iotids")

NOTHING_SKIPPED = "IOTIDS_NOTHING_SKIPPED"
"""Set where every tool is installed: a skipped test is then a failed run."""


_WATCHING = "tests/live/"
_LONG = (_WATCHING, "tests/test_house.py", "tests/train/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes long, so that no worker waits for another in the end."""
    items.sort(key=lambda item: [not item.nodeid.startswith(part) for part in _LONG])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(NOTHING_SKIPPED) and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # it is untyped
    """Of several workers, each takes whole files, and one all that watch a network, one after another."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return _WATCHING if file.startswith(_WATCHING) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return ByFile(config, log)


@pytest.fixture(scope="session")
def rule_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of rules: fast, and its verdicts can be foreseen."""
    return rules.write(tmp_path_factory.mktemp("bundle") / "rules")


@pytest.fixture
def handlers() -> Iterator[None]:
    """Give the signals back that a run takes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def namespace() -> Iterator[None]:
    """Put the test into a network namespace of its own, which ends with it."""
    network.skip_without_rights()
    with network.own_namespace():
        yield


@pytest.fixture
def detect(
    capfdbinary: pytest.CaptureFixture[bytes],
    handlers: None,  # noqa: ARG001 - a run takes the signals
    rule_bundle: Path,
) -> Callable[..., Done]:
    """Run `iotids-detect` in this process, with the rule bundle unless another is named."""

    def run(*arguments: str | Path, bundle: Path | None = rule_bundle) -> Done:
        capfdbinary.readouterr()
        code = command.run_here([*command.bundle_option(bundle), *map(str, arguments)])
        return Done(code, *capfdbinary.readouterr())

    return run
