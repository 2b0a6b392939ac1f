"""A mapping file that cannot be used is refused with what to change."""

from pathlib import Path

import pytest

from collectors.errors import MappingError
from collectors.importing import mapping

GOOD = """
kind = "purchases"
site = "shop"
[columns]
order_id = "order"
time = "at"
user_id = "who"
"""


def test_a_mapping_names_the_columns_to_read_each_once() -> None:
    both = mapping.parse(GOOD + 'crm = "who"\n')
    assert both.used == ["order", "at", "who"]


def test_the_example_mapping_is_a_mapping() -> None:
    example = Path(mapping.__file__).parent / "examples" / "completejourney.toml"
    assert mapping.load(example).columns["order_id"] == "basket_id"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind = ", "Invalid value"),
        (GOOD.replace("purchases", "parcels"), "parcels"),
        (GOOD + 'colour = "c"\n', "no field 'colour'"),
        (GOOD.replace('order_id = "order"\n', ""), "need order_id"),
        (GOOD.replace('user_id = "who"\n', ""), "whose these purchases are"),
        (GOOD + '[time]\nzone = "Mars/Olympus"\n', "no time zone 'Mars/Olympus'"),
        (GOOD + '[tmie]\nzone = "UTC"\n', "tmie"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    with pytest.raises(MappingError, match=says):
        mapping.parse(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"none\.toml cannot be read"):
        mapping.load(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "orders.toml").write_bytes(b"\xff\x00\xfe")
    with pytest.raises(MappingError, match=rf"{tmp_path / 'orders.toml'} cannot be read: "):
        mapping.load(tmp_path / "orders.toml")
