"""A refused row is named by the line of the file that it stands on."""

import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.importing import mapping
from collectors.importing.row_locator import Places
from schemas.rejects import Reject
from tests.collectors.importing.test_run import EVENTS, HEADER, PURCHASES, imported

GOOD = "1,2026-01-01,completed,a,tea,1,4\n"
LOG = mapping.parse('kind = "access_log"\nsite = "shop"\nsalt = "0123456789abcdef"')


def refused(path: Path, how: mapping.Mapping) -> list[Reject]:
    _, log = imported(path, how)
    return log.rejects


def places(rejects: list[Reject]) -> list[str]:
    return sorted(reject.detail.partition(":")[0] for reject in rejects)


@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz"])
def test_a_line_of_csv_is_counted_with_empty_lines_and_lines_inside_cells(
    tmp_path: Path, name: str
) -> None:
    text = HEADER + GOOD + '\n2,2026-01-01,completed,"a\nb",tea,1,4\n3,never,completed,a,tea,1,4\n'
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    (reject,) = refused(path, PURCHASES)
    assert reject.detail.startswith(f"{name} line 6: ")
    assert "time" in reject.detail


def test_lines_that_are_not_even_rows_are_named_too(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"{HEADER}too,few\n{GOOD}1,2,3,4,5,6,7,8\n2,never,completed,a,tea,1,4\n")
    rejects = refused(path, PURCHASES)
    assert places(rejects) == ["orders.csv line 2", "orders.csv line 4", "orders.csv line 5"]
    details = sorted(reject.detail for reject in rejects)
    assert details[0] == "orders.csv line 2: 2 columns, not 7: too,few"


def test_the_bad_line_of_an_order_is_named_wherever_it_stands(tmp_path: Path) -> None:
    bad = "1,2026-01-01,completed,a,mug,0,9\n"
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + GOOD + GOOD.replace("1,", "2,", 1) * 3 + bad)
    assert places(refused(path, PURCHASES)) == ["orders.csv line 6"]


def test_a_line_of_json_is_counted_with_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    row = '{"kind":"%s","name":"x","at":1767225600000,"browser":"b","mail":"a@b.co","page":"/","plan":"p"}'
    path.write_text(f"{row % 'track'}\n\n\n{row % 'dance'}\n")
    assert places(refused(path, EVENTS)) == ["events.jsonl line 4"]


def test_parquet_has_rows_and_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    columns = {
        "kind": ["track", "dance"],
        "name": ["x", "x"],
        "at": [1_767_225_600_000] * 2,
        "browser": ["b"] * 2,
        "mail": ["a@b.co"] * 2,
        "page": ["/"] * 2,
        "plan": ["p"] * 2,
    }
    pyarrow.parquet.write_table(pa.table(columns), path)
    assert places(refused(path, EVENTS)) == ["events.parquet row 2"]


def test_a_line_of_an_access_log_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    hit = '1.2.3.4 - - [%s] "GET / HTTP/1.1" 200 5 "-" "Mozilla"\n'
    path.write_text(hit % "01/Jan/2026:10:00:00 +0000" + "\nnonsense\n" + hit % "01/Jan/1999")
    assert places(refused(path, LOG)) == ["access.log line 3", "access.log line 4"]


def test_a_cell_too_large_for_pythons_reader_leaves_the_number_of_the_row(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"a\n{'x' * 200_000}\n")
    assert Places(path, PURCHASES)(1) == "orders.csv row 1"


@given(st.lists(st.lists(st.text('ab",\n\r ', max_size=4), min_size=1, max_size=3), max_size=8))
def test_every_row_that_can_be_written_is_found_where_it_was_written(rows: list[list[str]]) -> None:
    text, lines = io.StringIO(newline=""), []
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["one", "two"])
    for row in rows:
        lines.append(len(io.StringIO(text.getvalue(), newline="").readlines()) + 1)
        writer.writerow(row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "collectors.importing.row_locator._text",
            lambda path: io.StringIO(text.getvalue(), newline=""),
        )
        found = Places(Path("x.csv"), PURCHASES)
        numbers = iter(range(1, 99)), iter(range(1, 99))
        for row, line in zip(rows, lines, strict=True):
            number = next(numbers[0]) if len(row) == 2 else -next(numbers[1])
            assert found(number) == f"x.csv line {line}"
