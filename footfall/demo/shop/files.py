"""The history as a shop would hand it over: a CSV file and the mapping that says what is in it."""

import csv
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from footfall.demo.shop.catalog import CURRENCY
from footfall.demo.shop.history import Order

COLUMNS: Final = (
    "order",
    "placed_at",
    "state",
    "customer",
    "email",
    "sku",
    "title",
    "department",
    "pieces",
    "unit_price",
)

MAPPING: Final = f"""\
kind = "purchases"
site = "{{site}}"

[columns]
order_id = "order"
time = "placed_at"
status = "state"
user_id = "customer"
email = "email"
product_id = "sku"
name = "title"
category = "department"
quantity = "pieces"
price = "unit_price"

[constants]
currency = "{CURRENCY}"

[time]
format = "%Y-%m-%d %H:%M:%S"
zone = "UTC"
"""


class Files(NamedTuple):
    """What `footfall import` is given."""

    purchases: Path
    mapping: Path


def write(orders: Iterable[Order], site: str, folder: Path, written_at: int) -> Files:
    """Write the orders, one line per product, and their mapping into `folder`.

    The file's date is `written_at`, ms: an import was received when its file was last changed.
    """
    files = Files(folder / "purchases.csv", folder / "purchases.toml")
    files.mapping.write_text(MAPPING.format(site=site), encoding="utf-8")
    with files.purchases.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for order in orders:
            writer.writerows(_lines(order))
    os.utime(files.purchases, (written_at / 1000, written_at / 1000))
    return files


def _lines(order: Order) -> Iterable[tuple[object, ...]]:
    placed = datetime.fromtimestamp(order.time / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    person = (order.customer.user_id, order.customer.email)
    for product, quantity in order.lines:
        kind = (product.sku, product.name, product.category, quantity, product.price)
        yield (order.order_id, placed, order.status, *person, *kind)
