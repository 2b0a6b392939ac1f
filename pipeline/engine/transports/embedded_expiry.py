"""Which records of the embedded log are old enough to go."""

from typing import Final

from pipeline.engine.transports.embedded_records import Partitions

AHEAD_MS: Final = 60_000
"""A record that was appended later than this from now was not: its collector's clock was wrong."""


def delete_old(
    partitions: Partitions,
    key: tuple[str, int],
    below: int,
    before_ms: int,
    limit: int,
    now_ms: int,
) -> int:
    """Within a transaction: delete records of a (topic, partition), and answer how many.

    They have offsets under `below`, were appended before `before_ms`, and are `limit` at most. The
    oldest go first, and none is left between two others: what is missing was destroyed. Records that
    claim to be later than `now_ms` go with those behind them; they would stay for ever. Freed pages are
    used again, so a file grows to what `retention_days` need.
    """
    row = partitions.read(*key)
    first, end = row.record_id(row.first_offset), row.record_id(below)
    young = _first_young(partitions, (first, end), before_ms, now_ms)
    (old,) = partitions.connection.execute(
        "SELECT max(id) FROM (SELECT id FROM records WHERE id >= ? AND id < ? "
        "AND appended_at < ? ORDER BY id LIMIT ?)",
        (first, young, before_ms, limit),
    ).fetchone()
    if old is None:
        return 0
    deleted = partitions.connection.execute(
        "DELETE FROM records WHERE id >= ? AND id <= ?", (first, old)
    ).rowcount
    partitions.write(row._replace(first_offset=old - row.record_id(0) + 1))
    return deleted


def _first_young(
    partitions: Partitions, bounds: tuple[int, int], before_ms: int, now_ms: int
) -> int:
    """The id of the first record within bounds that is to stay, or their end."""
    (young,) = partitions.connection.execute(
        "SELECT coalesce(min(id), ?2) FROM (SELECT id FROM records WHERE id >= ?1 AND id < ?2 "
        "AND appended_at >= ?3 AND appended_at <= ?4 ORDER BY id LIMIT 1)",
        (*bounds, before_ms, now_ms + AHEAD_MS),
    ).fetchone()
    return int(young)
