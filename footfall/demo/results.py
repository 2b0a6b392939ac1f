"""What a running worker has found about the make-believe shop, by its named queries."""

import sql
from footfall.demo.evaluation import Flag
from footfall.processes.stack import SITE
from footfall.processes.worker_client import WorkerClient


def people(worker: WorkerClient) -> dict[str, str]:
    """Identifiers and the person each belongs to."""
    rows = worker.query(sql.load("demo/people"), {"site": SITE})
    return {row["identifier"]: row["person_id"] for row in rows}


def flags(worker: WorkerClient) -> list[Flag]:
    """Steps that were flagged as broken."""
    rows = worker.query(sql.load("demo/flags"), {"site": SITE})
    return [Flag(row["page"], row["device_class"], int(row["noticed"])) for row in rows]


def due(worker: WorkerClient) -> set[tuple[str, str]]:
    """(user id, sku) of who is due or overdue to buy what again."""
    rows = worker.query(sql.load("demo/due"), {"site": SITE})
    return {(row["user_id"], row["sku"]) for row in rows}


def event_counts(worker: WorkerClient) -> dict[str, int]:
    """The books by name, and `rows` of the events table."""
    (row,) = worker.query(sql.load("demo/books"), {"site": SITE})
    return {name: int(count) for name, count in row.items()}
