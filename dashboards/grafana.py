"""From boards to Grafana's JSON, and from a named query to the SQL of a panel.

The rule by which bound parameters become Grafana's own:

    {from:DateTime64(3, 'UTC')}  →  $__fromTime_ms
    {to:DateTime64(3, 'UTC')}    →  $__toTime_ms
    {step:UInt32}                →  $__interval_s
    {site:String}                →  ${site:sqlstring}

Nothing else may stand in a panel's query: Grafana puts variables into the SQL text itself, and
`site` alone has values that the operator chose. A variable fed with what visitors sent (a page, a
name) would carry their text into SQL.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sql
from dashboards.panels import Board, Panel
from sql.parameters import replace

CLICKHOUSE: Final = {"type": "grafana-clickhouse-datasource", "uid": "footfall-clickhouse"}
PROMETHEUS: Final = {"type": "prometheus", "uid": "footfall-prometheus"}

_MACROS: Final = {
    "from": "$__fromTime_ms",
    "to": "$__toTime_ms",
    "step": "$__interval_s",
    "site": "${site:sqlstring}",
}
_COLUMNS: Final = 24


def panel_sql(query: str) -> str:
    """A named query's text for a panel. Raises KeyError for a parameter the rule does not know."""
    text = sql.load(f"queries/{query}")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return replace("\n".join(lines), _MACROS.__getitem__)


def dashboard(board: Board) -> dict[str, Any]:
    """Grafana's JSON model of a board."""
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["footfall"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": f"now-{board.days}d", "to": "now"},
        "timezone": "utc",
        "templating": {"list": [_site_variable()]},
        "links": [
            {
                "type": "dashboards",
                "title": "Footfall",
                "tags": ["footfall"],
                "asDropdown": True,
                "keepTime": True,
                "includeVars": True,
                "icon": "external link",
                "targetBlank": False,
            }
        ],
        "annotations": {"list": []},
        "panels": [
            _panel(number, panel, grid)
            for number, (panel, grid) in enumerate(
                zip(board.panels, _positions(board.panels), strict=True), 1
            )
        ],
    }


def text_of(board: Board) -> str:
    """The file's text."""
    return json.dumps(dashboard(board), indent=1, ensure_ascii=False) + "\n"


def _positions(panels: Sequence[Panel]) -> Iterator[dict[str, int]]:
    """Left to right, then down by the tallest of the row."""
    x = y = tallest = 0
    for panel in panels:
        if x + panel.width > _COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, tallest = x + panel.width, max(tallest, panel.height)


def _panel(number: int, panel: Panel, grid: dict[str, int]) -> dict[str, Any]:
    source = CLICKHOUSE if panel.query else PROMETHEUS
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": source,
        "gridPos": grid,
        "targets": [_sql_target(panel) if panel.query else _prometheus_target(panel)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
    }


def _sql_target(panel: Panel) -> dict[str, Any]:
    series = panel.kind == "timeseries"
    return {
        "refId": "A",
        "datasource": CLICKHOUSE,
        "editorType": "sql",
        "queryType": "timeseries" if series else "table",
        "format": 0 if series else 1,
        "rawSql": panel_sql(panel.query),
        "pluginVersion": "4.20.0",
    }


def _prometheus_target(panel: Panel) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasource": PROMETHEUS,
        "expr": panel.promql,
        "legendFormat": panel.labels,
        "range": True,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.kind == "timeseries":
        defaults["min"] = 0
        defaults["custom"] = {
            "lineWidth": 1,
            "fillOpacity": 10,
            "showPoints": "auto",
            "spanNulls": True,
        }
    return defaults


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    rows = [(name, "unit", unit) for name, unit in panel.units.items()]
    hidden = [(name, "custom.hidden", True) for name in panel.hide]
    return [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": key, "value": value}]}
        for name, key, value in (*rows, *hidden)
    ]


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        calculation = {"calcs": ["lastNotNull"], "fields": "", "values": panel.query == "revenue"}
        return {"reduceOptions": calculation, "colorMode": "none", "textMode": "value_and_name"}
    if panel.kind == "timeseries":
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if panel.kind == "barchart":
        return {"legend": {"showLegend": False}}
    return {"showHeader": True, "cellHeight": "sm"}


def _site_variable() -> dict[str, Any]:
    return {
        "name": "site",
        "label": "Site",
        "type": "query",
        "datasource": CLICKHOUSE,
        "query": panel_sql("site_names"),
        "refresh": 1,
        "includeAll": False,
        "multi": False,
    }
