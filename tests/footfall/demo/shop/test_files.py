"""The history as files: what is written is what the importer reads back."""

from pathlib import Path

from collectors.importing import bodies, mapping, tables
from footfall.demo.shop import files, history
from footfall.demo.shop.customers import customers

UNTIL = 1_780_012_800_000


def test_the_importer_reads_the_orders_that_were_written(tmp_path: Path) -> None:
    histories = history.histories(1, customers(1, 30), UNTIL)
    orders = history.orders(1, histories, UNTIL)
    written = files.write(orders, "shop", tmp_path, 1_760_000_000_000)
    how = mapping.load(written.mapping)
    make = bodies.maker(how)
    found = [body for unit in tables.read(written.purchases, how).units for body, _ in make(unit)]
    assert len(found) == len(orders)
    for body, order in zip(found, orders, strict=True):
        assert body["orderId"] == order.order_id
        assert body["status"] == order.status
        assert body["time"] == order.time // 1000 * 1000
        assert body["customer"] == {"userId": order.customer.user_id, "email": order.customer.email}
        assert [line["productId"] for line in body["items"]] == [p.sku for p, _ in order.lines]
