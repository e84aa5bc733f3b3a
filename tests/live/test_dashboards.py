"""Every panel has something to show: a real Prometheus scrapes a real detector under real packets."""

import json
import math
import time
from collections.abc import Iterator

import pytest

from configs.grafana import make
from detector.bundle import Distribution
from detector.features import SCHEMA
from tests import rules, traffic
from tests.command import ATTACKS, PCAPS
from tests.demo.stage import NEEDED, Stage, stage
from tests.network import skip_without_rights

pytestmark = pytest.mark.live

SECS = 240.0
VARIABLES = {"$instance": ".*", "$iface": ".*", "$__rate_interval": "1m", "$__range": "5m"}
QUERIES = [
    (name, panel["title"], target["expr"])
    for name, content in make.dashboards().items()
    for panel in json.loads(content)["panels"]
    for target in panel["targets"]
]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A detector, with a bundle that records what is benign, while a household is attacked in three ways."""
    skip_without_rights(*NEEDED)
    folder = tmp_path_factory.mktemp("stage")
    anything = Distribution(edges=(1.0, 100.0), shares=(0.4, 0.3, 0.3), usual=0.5)
    bundle = rules.write(folder / "bundle", record=(anything,) * len(SCHEMA))
    config = folder / "iotids.toml"
    config.write_text("[window]\ncalm_flows = 1\n")
    home = traffic.write(folder / "home.pcap", traffic.household(1, secs=120))
    with stage(folder, secs=SECS, options=["--bundle", bundle, "--config", config]) as found:
        players = [found.play(capture) for capture in (home, *(PCAPS / name for name in ATTACKS))]
        yield found
        for player in players:
            player.kill()
            player.wait()


def values(found: Stage, expression: str) -> list[float]:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return [float(series["value"][1]) for series in found.query(expression)]


def wait_for(found: Stage, expression: str, secs: float) -> list[float]:
    """Ask again and again until there is a number."""
    deadline = time.monotonic() + secs
    while not any(map(math.isfinite, answer := values(found, expression))) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


@pytest.mark.parametrize(("name", "title", "expression"), QUERIES, ids=lambda text: str(text)[:40])
def test_every_panel_shows_something(watched: Stage, name: str, title: str, expression: str) -> None:
    answer = wait_for(watched, expression, 90)
    assert any(map(math.isfinite, answer)), (name, title, expression, answer)


@pytest.mark.parametrize("category", sorted(ATTACKS.values()))
def test_every_attack_is_in_the_panels_and_marked(watched: Stage, category: str) -> None:
    alerts = f'sum(iotids_alerts_total{{category="{category}"}}) > 0'
    assert wait_for(watched, alerts, 60)
    # ALERTS is what the dashboards' annotations ask for; it may have ended again.
    fired = (
        f'max_over_time(ALERTS{{alertname="IotidsAttackOpen",alertstate="firing",category="{category}"}}[5m])'
    )
    assert wait_for(watched, fired, 30) == [1.0]


def test_a_healthy_detector_raises_no_trouble(watched: Stage) -> None:
    trouble = 'ALERTS{alertname!~"IotidsAttackOpen|IotidsDrift", alertstate="firing"}'
    found = watched.query(f"max_over_time({trouble}[5m])")
    assert [series["metric"]["alertname"] for series in found] == []


def test_the_variables_find_detector_and_interface(watched: Stage) -> None:
    labels = [series["metric"] for series in watched.query("iotids_capture_up")]
    assert [(each["job"], each["iface"]) for each in labels] == [("iotids", "in0")]
