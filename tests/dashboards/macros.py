"""What Grafana and its ClickHouse plugin do to a panel's SQL before they send it."""

import re

_LEFT_OVER = re.compile(r"\$\{?\w+|\[\[|\{\w+:")


def expand(raw: str, site: str, start: int, end: int, interval: int) -> str:
    """The SQL as sent: times in ms, the interval in seconds. Refuses what it does not know."""
    quoted = "'" + site.replace("'", "''") + "'"
    sent = (
        raw.replace("${site:sqlstring}", quoted)
        .replace("$__fromTime_ms", f"fromUnixTimestamp64Milli({start})")
        .replace("$__toTime_ms", f"fromUnixTimestamp64Milli({end})")
        .replace("$__interval_s", str(interval))
    )
    left_over = _LEFT_OVER.search(sent)
    assert left_over is None, f"neither Grafana nor its plugin expands {left_over}"
    return sent
