"""Importing files: what is in the log afterwards, what is refused and why, again and interrupted."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import FileError, Overloaded
from collectors.importing import mapping, run, tables
from collectors.importing.mapping import Mapping
from collectors.importing.progress import PositionFile
from collectors.importing.rows import Row, Unit
from collectors.importing.run import Summary
from schemas.events import Event, Item
from schemas.rejects import Reason, Reject

PURCHASES = mapping.parse("""
kind = "purchases"
site = "shop"
[columns]
order_id = "order"
time = "at"
status = "state"
user_id = "who"
product_id = "what"
quantity = "pieces"
price = "each"
[constants]
currency = "EUR"
""")
HEADER = "order,at,state,who,what,pieces,each\n"
TICKETS = mapping.parse("""
kind = "tickets"
site = "shop"
[columns]
ticket_id = "id"
action = "what"
time = "at"
email = "mail"
rating = "stars"
""")
EVENTS = mapping.parse("""
kind = "events"
site = "shop"
properties = ["plan"]
[columns]
type = "kind"
event = "name"
time = "at"
anonymous_id = "browser"
email = "mail"
path = "page"
[time]
format = "ms"
""")


class Log:
    """A Producer that keeps everything; `fails` appends are refused first."""

    trouble, waiting = "", 0

    def __init__(self, fails_after: int = 10**9) -> None:
        self.events: list[Event] = []
        self.rejects: list[Reject] = []
        self.ticks: list[int] = []
        self.appends, self._fails_after = 0, fails_after

    async def append(self, events: Sequence[Event], rejects: Sequence[Reject]) -> None:
        if self.appends >= self._fails_after:
            raise Overloaded("full")
        self.appends += 1
        self.events += events
        self.rejects += rejects

    async def tick(self, now: int) -> None:
        self.ticks.append(now)

    async def close(self) -> None:
        """Nothing is open."""


def imported(path: Path, how: Mapping, log: Log | None = None) -> tuple[Summary, Log]:
    log = log or Log()
    position = PositionFile.of(path.parent / "positions", path, how)
    return asyncio.run(run.run(path, how, log, lambda: 77, position)), log


def csv(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_lines_of_one_order_are_one_purchase_wherever_they_stand(tmp_path: Path) -> None:
    lines = (
        "1,2026-01-01T10:00:00,completed,007,tea,2,4.50\n"
        "2,2026-01-01T11:00:00,completed,008,mug,1,9\n"
        "1,2026-01-01T10:00:00,completed,007,mug,,9\n"
    )
    summary, log = imported(csv(tmp_path, HEADER + lines), PURCHASES)
    first, second = log.events
    assert (summary.lines, summary.events, summary.rejects) == (3, 2, {})
    assert first.order is not None and second.order is not None
    assert first.identifiers == ("user_id:007",)
    assert first.order.items == (
        Item("tea", quantity=2, price=Decimal("4.50")),
        Item("mug", price=Decimal(9)),
    )
    assert (first.order.total, first.order.currency) == (Decimal("18.00"), "EUR")
    assert (first.site, first.anonymous_id, second.order.order_id) == ("shop", "", "2")


def test_a_refund_is_a_purchase_of_its_own_with_the_same_order_id(tmp_path: Path) -> None:
    lines = "1,2026-01-01,completed,a,tea,1,4\n1,2026-01-05,refunded,a,tea,1,4\n"
    _, log = imported(csv(tmp_path, HEADER + lines), PURCHASES)
    assert [e.order.status for e in log.events if e.order] == ["completed", "refunded"]
    assert log.events[0].message_id != log.events[1].message_id


def test_a_bad_line_is_refused_alone_and_the_rest_of_its_order_is_kept(tmp_path: Path) -> None:
    lines = "1,2026-01-01,completed,a,tea,0,4\n1,2026-01-01,completed,a,mug,1,9\n"
    summary, log = imported(csv(tmp_path, HEADER + lines), PURCHASES)
    assert summary.rejects == {Reason.BAD_ORDER: 1}
    assert [i.product_id for e in log.events if e.order for i in e.order.items] == ["mug"]
    assert "quantity" in log.rejects[0].detail
    assert json.loads(log.rejects[0].body)["items"] == [
        {"productId": "tea", "quantity": "0", "price": "4"}
    ]
    assert (log.rejects[0].path, log.rejects[0].sender) == ("/v1/purchases", "import")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,soon,completed,a,tea,1,4", Reason.TIME_OUT_OF_RANGE),
        ("1,,completed,a,tea,1,4", Reason.TIME_OUT_OF_RANGE),
        ("1,1999-12-31,completed,a,tea,1,4", Reason.TIME_OUT_OF_RANGE),
        ("1,2026-01-01,completed,,tea,1,4", Reason.MISSING_ID),
        ("1,2026-01-01,lost,a,tea,1,4", Reason.BAD_ORDER),
        (",2026-01-01,completed,a,tea,1,4", Reason.BAD_ORDER),
        ("1,2026-01-01,completed,a,tea,1,free", Reason.BAD_ORDER),
        ("1,2026-01-01,completed,a,tea,1.5,4", Reason.BAD_ORDER),
        ("1,2026-01-01,completed", Reason.BAD_SHAPE),
    ],
)
def test_a_row_is_refused_for_the_reason_that_a_request_would_be(
    tmp_path: Path, line: str, reason: Reason
) -> None:
    good = "2,2026-01-01,completed,b,mug,1,9\n"
    summary, log = imported(csv(tmp_path, f"{HEADER}{line}\n{good}"), PURCHASES)
    assert summary.rejects == {reason: 1}
    assert summary.lines == 2
    assert [e.order.order_id for e in log.events if e.order] == ["2"]
    assert log.rejects[0].site == "shop"


def test_a_time_that_cannot_be_read_is_told_with_the_format_that_is_wanted(tmp_path: Path) -> None:
    _, log = imported(csv(tmp_path, HEADER + "1,yesterday,completed,a,tea,1,4\n"), PURCHASES)
    assert 'no time in the format "iso": yesterday' in log.rejects[0].detail


def test_orders_of_a_file_without_amounts_are_taken(tmp_path: Path) -> None:
    how = mapping.parse(
        'kind = "purchases"\nsite = "shop"\n[columns]\norder_id = "n"\ntime = "at"\nemail = "who"\n'
    )
    _, log = imported(csv(tmp_path, "n,at,who\n1,2026-01-01,a@example.org\n"), how)
    assert [event.order and event.order.total for event in log.events] == [0]


def test_a_line_total_is_shared_out_over_the_pieces(tmp_path: Path) -> None:
    how = mapping.parse("""
kind = "purchases"
site = "shop"
columns = {order_id = "o", time = "t", user_id = "u", product_id = "p", quantity = "q", line_total = "s"}
""")
    path = tmp_path / "file.parquet"
    columns = {
        "o": [1, 1],
        "t": pa.array([10**15, 10**15], pa.timestamp("ns")),
        "u": [9, 9],
        "p": [5, 6],
        "q": [3, 1],
        "s": [2.0, 0.99],
    }
    pyarrow.parquet.write_table(pa.table(columns), path)
    how = Mapping(kind=how.kind, site=how.site, columns=how.columns)
    summary, log = imported(path, how)
    assert summary.rejects == {Reason.TIME_OUT_OF_RANGE: 1}  # 10^15 ns is in January 1970
    columns["t"] = pa.array([1_767_225_600 * 10**9] * 2, pa.timestamp("ns"))
    pyarrow.parquet.write_table(pa.table(columns), path)
    _, log = imported(path, how)
    order = log.events[0].order
    assert order is not None
    assert [item.price for item in order.items] == [Decimal("0.6667"), Decimal("0.9900")]
    assert log.events[0].time == 1_767_225_600_000


def test_importing_again_gives_the_same_events_and_rejects(tmp_path: Path) -> None:
    lines = "1,2026-01-01,completed,a,tea,1,4\n2,never,completed,a,tea,1,4\nbad\n"
    path = csv(tmp_path, HEADER + lines)
    _, once = imported(path, PURCHASES)
    _, again = imported(path, PURCHASES)
    assert once.events == again.events
    assert once.rejects == again.rejects
    assert len(once.rejects) == 2


def test_an_interrupted_import_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_ITEMS", 10)
    monkeypatch.setattr(run, "ATTEMPTS", 1)
    lines = "".join(f"{n},2026-01-01,completed,a,tea,1,4\n" for n in range(35))
    path = csv(tmp_path, HEADER + lines)
    before = Log(fails_after=2)
    with pytest.raises(Overloaded):
        imported(path, PURCHASES, before)
    summary, after = imported(path, PURCHASES)
    assert (len(before.events), summary.resumed, summary.events) == (20, 20, 15)
    found = [e.order.order_id for e in before.events + after.events if e.order]
    assert found == [str(n) for n in range(35)]
    assert imported(path, PURCHASES)[0].resumed == 0


def test_a_changed_file_is_imported_from_its_beginning(tmp_path: Path) -> None:
    path = csv(tmp_path, HEADER + "1,2026-01-01,completed,a,tea,1,4\n")
    position = PositionFile.of(tmp_path, path, PURCHASES)
    position.write(5)
    csv(tmp_path, HEADER + "1,2026-01-01,completed,a,tea,1,4\n2,2026-01-01,completed,a,tea,1,4\n")
    assert PositionFile.of(tmp_path, path, PURCHASES).read() == 0
    assert position.read() == 5


def test_the_time_is_written_after_everything_else(tmp_path: Path) -> None:
    _, log = imported(csv(tmp_path, HEADER), PURCHASES)
    assert (log.events, log.ticks) == ([], [77])


def test_tickets_keep_their_life(tmp_path: Path) -> None:
    text = (
        "id,what,at,mail,stars\n"
        "t1,created,2026-01-01,Zoe@Example.com,\n"
        "t1,rated,2026-01-02,zoe@example.com,2\n"
        "t1,rated,2026-01-03,zoe@example.com,11\n"
    )
    summary, log = imported(csv(tmp_path, text), TICKETS)
    assert summary.rejects == {Reason.BAD_TICKET: 1}
    tickets = [event.ticket for event in log.events if event.ticket]
    assert [(ticket.action, ticket.rating) for ticket in tickets] == [
        ("created", None),
        ("rated", 2),
    ]
    assert {event.identifiers for event in log.events} == {("email:zoe@example.com",)}


@pytest.mark.parametrize("name", ["file.jsonl", "file.jsonl.gz"])
def test_events_of_json_lines_keep_their_properties(tmp_path: Path, name: str) -> None:
    rows = [
        {"kind": "page", "at": 1_767_225_600_000, "browser": "b1", "page": "/cart", "plan": "pro"},
        {"kind": "identify", "at": 1_767_225_600_001, "browser": "b1", "mail": "a@b.co"},
        {"kind": "dance", "at": 1_767_225_600_002, "browser": "b1", "name": "x"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    summary, log = imported(path, EVENTS)
    page, identify = log.events
    assert summary.rejects == {Reason.UNKNOWN_TYPE: 1}
    assert (page.type, page.path, page.time) == ("page", "/cart", 1_767_225_600_000)
    assert json.loads(bytes(page.properties)) == {"plan": "pro"}
    assert identify.identifiers == ("email:a@b.co",)


def test_an_event_with_an_id_of_its_own_keeps_it(tmp_path: Path) -> None:
    how = mapping.parse("""
kind = "events"
site = "shop"
columns = {type = "k", time = "t", user_id = "u", message_id = "m"}
""")
    _, log = imported(csv(tmp_path, "k,t,u,m\npage,2026-01-01,zoe,m-1\n"), how)
    assert log.events[0].message_id == "m-1"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("file.xlsx", b"", r"must end in \.csv"),
        ("file.csv", b"order,at\n1,2\n", "no column 'state'"),
        ("file.csv", b"", "cannot be read"),
        ("file.parquet", b"not parquet", "cannot be read"),
        ("file.jsonl", b"{", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_cause(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=says):
        list(tables.read(path, PURCHASES).units)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 3)), max_size=60), st.integers(1, 7))
def test_every_line_is_in_one_order_or_refused_however_batches_are_cut(
    lines: list[tuple[int, int]], size: int
) -> None:
    rows = [Unit(row, n, range(1, n + 1)) for row, n in _grouped(lines)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "BATCH_ITEMS", size)
        made = list(run.batches(rows, PURCHASES))
    items = [json.loads(item) for batch in made for item in batch.items]
    assert sum(len(body["items"]) for body in items) == len(lines)
    assert sum(batch.lines for batch in made) == len(lines)
    assert [batch.last for batch in made] == sorted({batch.last for batch in made})


def _grouped(lines: list[tuple[int, int]]) -> list[tuple[Row, int]]:
    orders: dict[int, list[int]] = {}
    for order, quantity in lines:
        orders.setdefault(order, []).append(quantity)
    return [
        (
            {
                "order_id": order,
                "time": "2026-01-01",
                "user_id": "u",
                "product_id": ["p"] * len(pieces),
                "quantity": pieces,
            },
            len(pieces),
        )
        for order, pieces in orders.items()
    ]


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, HEADER.replace("each", "who") + "1,2026-01-01T10:00:00,,a,b,1,2\n")
    with pytest.raises(FileError, match=r"file\.csv has 2 columns 'who'"):
        imported(path, PURCHASES)


def test_a_column_that_is_there_twice_and_not_mapped_is_none_of_ours(tmp_path: Path) -> None:
    header = HEADER.replace("\n", ",note,note\n")
    path = csv(tmp_path, header + "1,2026-01-01T10:00:00,completed,a,b,1,2,x,y\n")
    assert imported(path, PURCHASES)[0].events == 1
