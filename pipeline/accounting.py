"""The books, in events: received = stored + repeats + merged + rejected + in flight.

received: what the producers say they wrote. stored: rows in the warehouse. repeats: known as sent
before. merged: repeats from beyond the window in which they are known, stored again, of which the
warehouse keeps one row; there are no more of them than the worker counted as possible ones.
in flight: in the log, not folded in yet. What is missing beside all that is lost: the difference.
"""

from collections.abc import Mapping


def balance(entries: Mapping[str, int], in_flight: int) -> dict[str, int]:
    """The entries and their `difference`, of a row of `warehouse/books_now` and the log's own count."""
    missing = entries["stored"] - entries["held"]
    terms = {
        "received": entries["received"] + in_flight,
        "stored": entries["held"],
        "repeats": entries["repeats"],
        "merged": max(0, min(missing, entries["beyond_window"])),
        "rejected": entries["rejected"],
        "in_flight": in_flight,
    }
    return {**terms, "difference": 2 * terms["received"] - sum(terms.values())}
