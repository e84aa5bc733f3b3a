"""Write the dashboards: `python -m configs.grafana.make`, with the extra `dev` installed.

Beside what it makes, because whoever wants another panel starts here: add it to `panels`, run this, commit
both. Neither the detector nor training needs it. The SDK is of Grafana 10.1, whose dashboards every later
Grafana reads.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as look
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from configs.grafana.panels import ATTACKS, HEALTH, Panel

HERE = Path(__file__).parent
SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")

_KINDS: dict[str, Callable[[], Any]] = {
    "stat": stat.Panel,
    "bargauge": bargauge.Panel,
    "table": table.Panel,
    "timeseries": timeseries.Panel,
}
_HEIGHTS = {"stat": 4, "bargauge": 9, "table": 4, "timeseries": 8}
_DRAWN = 25
"""Opacity of the area under a stacked line, percent."""


def dashboards() -> dict[str, str]:
    """Return the files' contents by their names."""
    made = {
        "iotids-attacks.json": _dashboard("iotids-attacks", "iotids: attacks", ATTACKS),
        "iotids-health.json": _dashboard("iotids-health", "iotids: health", HEALTH),
    }
    return {
        name: json.dumps(each.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"
        for name, each in made.items()
    }


def _dashboard(uid: str, title: str, panels: Sequence[Panel]) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["iotids"])
        .time("now-1h", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("iotids")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["iotids"])
            .keep_time(True)
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_variable("instance", "Detector", "label_values(iotids_build_info, instance)"))
        .with_variable(
            _variable("iface", "Interface", 'label_values(iotids_capture_up{instance=~"$instance"}, iface)')
        )
        .annotation(_alerts("Attacks", "red", 'alertname="IotidsAttackOpen"'))
        .annotation(_alerts("Trouble", "orange", 'alertname=~"Iotids.*", alertname!="IotidsAttackOpen"'))
    )
    for panel in panels:
        made.with_panel(_panel(panel))
    return made


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(text="All", value="$__all", selected=True))
    )


def _alerts(name: str, colour: str, which: str) -> dashboard.AnnotationQuery:
    """Mark when an alert fired; recorded by Prometheus itself, so that no further source is needed."""
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(f'ALERTS{{{which}, alertstate="firing"}}')
    )


def _panel(panel: Panel) -> Any:
    made = (
        _KINDS[panel.kind]()
        .title(panel.title)
        .description(panel.meaning)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .span(panel.span)
        .height(_HEIGHTS[panel.kind])
    )
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id("ABC"[number])
        target = target.range() if panel.kind == "timeseries" else target.instant()
        made.with_target(target.format(PromQueryFormat.TABLE) if panel.kind == "table" else target)
    if panel.top is not None:
        made.max(panel.top)
    if panel.steps:
        made.thresholds(_thresholds(panel)).color_scheme(
            dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)
        )
    return _drawn(panel, made)


def _drawn(panel: Panel, made: Any) -> Any:
    """Choose what is particular to a kind of panel."""
    if panel.kind == "timeseries":
        made.show_points(look.VisibilityMode.NEVER).legend(
            common.VizLegendOptions()
            .display_mode(look.LegendDisplayMode.LIST)
            .placement(look.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        if panel.stacked:
            made.stacking(common.StackingConfig().mode(look.StackingMode.NORMAL)).fill_opacity(_DRAWN)
    elif panel.kind == "table":
        hidden = dict.fromkeys(("Time", "Value", "__name__", "job"), True)
        made.with_transformation(
            model.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden})
        )
    else:
        made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        if panel.kind == "bargauge":
            made.orientation(look.VizOrientation.HORIZONTAL)
    return made


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    steps = [model.Threshold(value=None, color="green")]
    steps += [model.Threshold(value=value, color=colour) for value, colour in panel.steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


if __name__ == "__main__":
    for file, content in dashboards().items():
        (HERE / file).write_text(content)
