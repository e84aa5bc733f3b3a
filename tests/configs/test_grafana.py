"""The dashboards are what their generator makes, ask for metrics that exist, and can be provisioned."""

import json
import re
from typing import Any

import pytest

from configs.grafana import make
from configs.grafana.panels import ATTACKS, HEALTH
from detector.metrics.families import FAMILIES
from tests.configs.promtool import RULES, unknown_metrics

GRAFANA = make.HERE
MADE = make.dashboards()

each = pytest.mark.parametrize("name", MADE)


def expressions(name: str) -> list[str]:
    """Return every query of a dashboard, those of its variables and annotations included."""
    dashboard: dict[str, Any] = json.loads(MADE[name])
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [mark["expr"] for mark in dashboard["annotations"]["list"]]
    return asked + [
        each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"
    ]


def test_the_files_are_what_the_generator_makes() -> None:
    assert {file.name: file.read_text() for file in GRAFANA.glob("*.json")} == MADE


@each
def test_every_metric_in_a_panel_exists(name: str) -> None:
    assert unknown_metrics("\n".join(expressions(name))) == set()


@each
def test_source_detector_and_interface_are_variables(name: str) -> None:
    dashboard = json.loads(MADE[name])
    assert [each["name"] for each in dashboard["templating"]["list"]] == ["datasource", "instance", "iface"]
    assert set(re.findall(r'"uid": "(\$.+)"', MADE[name])) == {"${datasource}"}
    assert all('instance=~"$instance"' in expr for expr in _of_panels(dashboard))


def _of_panels(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


@each
def test_alerts_are_marked_in_the_panels_and_exist(name: str) -> None:
    marks = json.loads(MADE[name])["annotations"]["list"]
    assert [mark["name"] for mark in marks] == ["Attacks", "Trouble"]
    alerts = "\n".join(file.read_text() for file in RULES)
    for named in re.findall(r'alertname!?="(\w+)"', "".join(mark["expr"] for mark in marks)):
        assert f"- alert: {named}\n" in alerts


@each
def test_panels_are_told_apart_and_explained(name: str) -> None:
    panels = json.loads(MADE[name])["panels"]
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert all(panel["description"].endswith(".") for panel in panels)
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        others = [each["gridPos"] for each in panels if each is not panel]
        assert not any(_overlap(at, other) for other in others)


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in ("xw", "yh")
    )


def test_an_interface_is_chosen_where_a_metric_has_one() -> None:
    with_iface = {family.name for family in FAMILIES if "iface" in family.labels}
    for panel in (*ATTACKS, *HEALTH):
        for query in panel.queries:
            asks_by_iface = any(name in query.expr for name in with_iface)
            assert asks_by_iface == ('iface=~"$iface"' in query.expr), query.expr


def test_grafana_is_told_where_the_dashboards_and_prometheus_are() -> None:
    provider = (GRAFANA / "provisioning" / "dashboards" / "iotids.yml").read_text()
    source = (GRAFANA / "provisioning" / "datasources" / "iotids.yml").read_text()
    assert "type: file" in provider
    assert "type: prometheus" in source
    interval = re.search(
        r"scrape_interval: (\w+)", (GRAFANA.parent / "prometheus" / "prometheus.yml").read_text()
    )
    assert interval is not None
    assert f"timeInterval: {interval[1]}" in source
