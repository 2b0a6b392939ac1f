"""What the code makes of any input, the warehouse takes: a refused row ends the worker."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from pipeline.errors import ValueRefused
from pipeline.flow import stages
from pipeline.settings import Settings
from pipeline.warehouse.arrow import arrow_type, stream_of
from pipeline.warehouse.embedded import EmbeddedWarehouse
from pipeline.warehouse.migrate import migrate
from schemas import topics
from schemas.events import LATEST_MS, Event, Order, key_of, tick
from schemas.log_records import Append
from schemas.partitioner import partition_of
from schemas.rows import SOURCE, TABLES, Row, columns_of
from tests.faults.simulation import World, calm
from tests.pipeline.inputs import FUNNEL, STREAMS

Schemas = Mapping[type[Row], pa.Schema]
FAR = tick(LATEST_MS - 1)
PARTITIONS = 2


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Schemas]:
    """Every table's columns as the warehouse describes them."""
    warehouse = EmbeddedWarehouse(tmp_path_factory.mktemp("rows"))
    migrate(warehouse)
    yield {table: _schema(warehouse, table) for table in TABLES}
    warehouse.close()


def _schema(warehouse: EmbeddedWarehouse, table: type[Row]) -> pa.Schema:
    types = {row[0]: row[1] for row in warehouse.query(f"DESCRIBE TABLE `{table.table}`").rows}
    return pa.schema([(name, arrow_type(types[name])) for name in (*columns_of(table), *SOURCE)])


def folded(funnel: str, events: list[Event]) -> World:
    """All that the whole flow makes of the events, then of a tick after everything."""
    placed = [(partition_of(key_of(event), PARTITIONS), event) for event in events]
    placed += [(partition, FAR) for partition in range(PARTITIONS)]
    records = [
        Append(topics.EVENTS.name, partition, 1, msgspec.json.encode(event))
        for partition, event in placed
    ]
    given_settings = {
        "funnel": funnel,
        "horizon": "1800",
        "webhook_url": "http://localhost/hook",
        "webhook_secret": "whsec_c2VjcmV0",
    }
    return calm(list(stages(Settings(given_settings, {}), PARTITIONS).values()), records)


@settings(max_examples=150, deadline=None)
@given(funnel=some.sampled_from(("", FUNNEL)), events=STREAMS)
def test_every_row_of_any_input_fits_its_table(
    schemas: Schemas, funnel: str, events: list[Event]
) -> None:
    world = folded(funnel, events)
    for table, schema in schemas.items():
        rows = world.rows[table.table]
        stream_of(schema, [[row[name] for row in rows] for name in schema.names])


def test_the_inputs_reach_every_table_that_visitors_fill(schemas: Schemas) -> None:
    """Else the test above would look at nothing."""
    reached: set[str] = set()

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(events=STREAMS)
    def look(events: list[Event]) -> None:
        world = folded(FUNNEL, events)
        reached.update(name for name, rows in world.rows.items() if rows)
        reached.update(f"forward {row['forward']}" for row in world.rows["outcomes"])

    look()
    assert reached >= {
        "events",
        "assertions",
        "sessions",
        "outcomes",
        "identities",
        "purchases",
        "tickets",
        "feedback",
        "books",
        "forward True",
        "forward False",
        "forward None",
    }


def test_a_value_that_does_not_fit_is_refused_by_its_column_and_not_shown(schemas: Schemas) -> None:
    (outcomes,) = (schema for table, schema in schemas.items() if table.table == "outcomes")
    schema = pa.schema([outcomes.field("forward")])
    with pytest.raises(
        ValueRefused, match="column `forward`, which takes bool; they are str"
    ) as told:
        stream_of(schema, [["a visitor's own words"]])
    assert "words" not in str(told.value)


@pytest.mark.parametrize(
    "line",
    [
        {"order": {"order_id": "o", "total": "100000000000000"}},
        {"order": {"order_id": "o", "total": "0.00001"}},
        {"order": {"order_id": "o", "total": "NaN"}},
        {"order": {"order_id": "o", "items": [{"product_id": "p", "price": "1E+20"}]}},
        {"order": {"order_id": "o", "items": [{"product_id": "p", "quantity": 10**20}]}},
        {"ticket": {"ticket_id": "t", "rating": 2**31}},
        {"feedback": {"kind": "nps", "score": -(2**31) - 1}},
        {"time": LATEST_MS},
        {"received_at": 2**63},
    ],
)
def test_what_no_column_holds_is_no_event(line: dict[str, object]) -> None:
    """Another producer may write to the log: its line is refused, before a row is made of it."""
    event = {"type": "purchase", "message_id": "m", "site": "s", "time": 1, "received_at": 1}
    decoder = msgspec.json.Decoder(Event)
    decoder.decode(msgspec.json.encode(event))
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(msgspec.json.encode({**event, **line}))


def test_amounts_are_kept_to_the_last_place() -> None:
    order = msgspec.json.decode(b'{"order_id": "o", "total": "-99999999999999.9999"}', type=Order)
    assert order.total == Decimal("-99999999999999.9999")
