"""Parts and inventories: which blocks are there, which are lost, which files are short."""

from pathlib import Path

import pytest

from pipeline.errors import StateDamaged
from pipeline.warehouse.inventory import check_schema, decode_inventory, inventory_of, lost
from pipeline.warehouse.parts import Blocks, Part, blocks_of, holds, is_short
from pipeline.warehouse.reserved import is_one_insert


def part(name: str, table: str = "events", rows: int = 5, *, active: bool = True) -> Part:
    return Part(table, name, rows, 10, active, "")


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("all_1_9_2", Blocks("all", 1, 9)),
        ("202611_3_3_0_17", Blocks("202611", 3, 3)),
        ("broken-on-start_all_4_8_1", Blocks("all", 4, 8)),
        ("covered-by-broken_202611_4_8_1_9_try2", Blocks("202611", 4, 8)),
        ("attaching", None),
    ],
)
def test_a_parts_name_says_its_blocks(name: str, blocks: Blocks | None) -> None:
    assert blocks_of(name) == blocks


def test_several_parts_hold_what_one_held() -> None:
    wanted = Blocks("all", 2, 6)
    assert holds([Blocks("all", 4, 9), Blocks("all", 1, 3)], wanted)
    assert not holds([Blocks("all", 1, 3), Blocks("all", 5, 9)], wanted)
    assert not holds([Blocks("all", 1, 5)], wanted)
    assert not holds([Blocks("202611", 1, 9)], wanted)


def test_what_merges_replaced_is_not_lost_and_what_is_gone_is() -> None:
    before = inventory_of(
        "u",
        {},
        [
            part("all_1_1_0"),
            part("all_2_2_0"),
            part("all_3_3_0", "flags", 7),
            part("all_4_4_0", "flags", 0),
        ],
    )
    assert lost(before, [part("all_1_2_1"), part("all_3_3_0", "flags")]) == []
    (one,) = lost(before, [part("all_1_2_1"), part("all_3_3_0", "flags", active=False)])
    assert one == ("flags", "all_3_3_0", 7)


def test_an_inventory_comes_back_from_its_text() -> None:
    made = inventory_of("u", {"events": "d"}, [part("all_1_1_0")])
    assert decode_inventory(made.encode()) == made
    assert decode_inventory("") is None
    with pytest.raises(StateDamaged):
        decode_inventory(made.encode()[:-1])


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({}, "is empty"),
        ({"books": "b"}, "table events .* is missing"),
        ({"books": "b", "events": "x"}, "not as it was"),
    ],
)
def test_another_schema_is_refused(now: dict[str, str], said: str) -> None:
    before = inventory_of("u", {"books": "b", "events": "e"}, [])
    check_schema(before, {"books": "b", "events": "e", "new": "n"}, "here")
    with pytest.raises(StateDamaged, match=said):
        check_schema(before, now, "here")


@pytest.mark.parametrize(("cut", "short"), [("", False), ("data.bin", True), ("columns.txt", True)])
def test_files_that_were_cut_are_noticed(tmp_path: Path, cut: str, *, short: bool) -> None:
    for name in ("data.bin", "columns.txt"):
        (tmp_path / name).write_bytes(b"" if name == cut else b"0123456789")
    assert is_short(Part("events", "all_1_1_0", 5, 10, True, str(tmp_path))) is short


def test_only_what_one_insert_wrote_may_be_dropped() -> None:
    names = ("all_1_1_0", "all_1_1_1", "all_1_2_1", "all_1_1_0_7", "202611_4_4_0")
    assert [is_one_insert(name) for name in names] == [True, False, False, False, True]
