"""Confined SQL: nothing of other devices is there, whatever a statement tries. Here nobody has looked at the statements before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lake.confined import Confined
from lake.query import stream
from runtime.errors import QueryError, QueryTooLarge, ServiceError
from tests.lake.small_lake import SmallLake, moment

OWN = Confined(("silver.boiler",), None, frozenset({"b-1", "b-2"}), "256MiB", 1)
# Stands in rows of b-3 alone.
FOREIGN = 777


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    made = SmallLake(tmp_path_factory.mktemp("lake") / "home")
    # In one file, so that no pruning of files stands between.
    rows = [made.reading(device, seq, starts=starts) for device, starts in (("b-1", 1), ("b-2", 2), ("b-3", FOREIGN)) for seq in range(4)]
    made.publish(rows, "r.1", 5)
    return made


def ask(lake: SmallLake, sql: str, confined: Confined = OWN, **more: Any) -> list[dict[str, Any]]:
    with stream(sql, platform=lake.platform, confined=confined, **more) as answer:
        return [row for batch in answer for row in batch.to_pylist()]


def test_rows_are_those_of_the_devices(lake: SmallLake) -> None:
    asked = "SELECT device_id, count(*) AS n FROM silver.boiler GROUP BY 1 ORDER BY 1"
    assert ask(lake, asked) == [{"device_id": "b-1", "n": 4}, {"device_id": "b-2", "n": 4}]
    assert ask(lake, asked, replace(OWN, devices=frozenset())) == []
    assert len(ask(lake, asked, replace(OWN, devices=None))) == 3
    many = frozenset({"b-1", *(f"x-{n}" for n in range(300))})
    assert ask(lake, asked, replace(OWN, devices=many)) == [{"device_id": "b-1", "n": 4}]


def test_an_id_is_a_value_whatever_stands_in_it(lake: SmallLake) -> None:
    assert ask(lake, "SELECT * FROM silver.boiler", replace(OWN, devices=frozenset({"') OR true --", "b-1' OR '1'='1"}))) == []


@pytest.mark.parametrize(
    "condition",
    [
        f"CASE WHEN starts = {FOREIGN} THEN error('seen ' || device_id) ELSE true END",
        "(starts * 100000000000000000)::BIGINT > 0",
        "1 / (777 - starts) > 0",
        f"starts <> {FOREIGN} OR error(device_id)",
    ],
)
def test_a_condition_that_would_tell_of_foreign_rows_never_meets_one(lake: SmallLake, condition: str) -> None:
    # 777 times 10^17 is beyond 64 bits, 1 and 2 times are not.
    assert len(ask(lake, f"SELECT 1 FROM silver.boiler WHERE {condition}")) == 8


def test_an_error_names_no_foreign_value(lake: SmallLake) -> None:
    with pytest.raises(QueryError) as told:
        ask(lake, "SELECT device_id::INT FROM silver.boiler ORDER BY device_id DESC")
    assert "b-3" not in str(told.value)


def test_statistics_know_the_devices_rows_alone(lake: SmallLake) -> None:
    (row,) = ask(lake, "SELECT stats(starts) AS s FROM silver.boiler LIMIT 1")
    assert str(FOREIGN) not in row["s"]
    tables = ask(lake, "SELECT sum(estimated_size) AS rows FROM duckdb_tables()")
    assert tables == [{"rows": 8}]


def test_neither_the_lakes_files_nor_others_can_be_read(lake: SmallLake) -> None:
    (file,) = (lake.platform.settings.home / "lake").rglob("silver/boiler/data/**/*.parquet")
    for sql in (
        f"SELECT * FROM read_parquet('{file}')",
        f"SELECT * FROM '{file}'",
        "SELECT * FROM read_text('/etc/passwd')",
        f"SELECT * FROM glob('{file.parent}/*')",
    ):
        with pytest.raises(QueryError, match="a query reads the tables of the lake and nothing else"):
            ask(lake, sql)


def test_a_table_that_was_not_named_is_not_there(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match=r"boiler_hourly.* does not exist"):
        ask(lake, "SELECT * FROM gold.boiler_hourly")


def test_as_of_holds_for_the_devices_rows(lake: SmallLake) -> None:
    asked = "SELECT count(*) AS n FROM silver.boiler"
    assert ask(lake, asked, as_of=moment(4)) == [{"n": 0}]
    assert ask(lake, asked, as_of=moment(5)) == [{"n": 8}]


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("event_time >= '2026-03-01T12:02:00Z'", 4),
        ("event_time::date = '2026-03-01' AND seq = 1", 2),
        ("device_id IN ('b-1', 'b-3')", 4),
        ("device_id = 'b-3' OR seq = 0", 2),
        ("device_id = 'it''s'", 0),
        ("event_time < TIMESTAMPTZ '1969-12-31 00:00:00Z'", 0),
    ],
)
def test_only_rows_that_the_question_can_need_are_copied_and_the_answer_is_the_same(lake: SmallLake, where: str, rows: int) -> None:
    assert ask(lake, f"SELECT count(*) AS n FROM silver.boiler WHERE {where}") == [{"n": rows}]


def test_only_columns_that_the_question_can_need_are_copied(lake: SmallLake) -> None:
    (row, *_) = ask(lake, "SELECT * FROM silver.boiler", replace(OWN, columns=frozenset({"seq", "water", "nonsense"})))
    assert set(row) == {"device_id", "seq", "water"}


def test_a_table_of_no_devices_cannot_be_asked_for_some(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match=r"ops\.publications: its rows are of no device"):
        ask(lake, "SELECT * FROM ops.publications", replace(OWN, tables=("ops.publications",)))


def test_what_does_not_fit_into_the_memory_says_so(lake: SmallLake) -> None:
    with pytest.raises(QueryTooLarge, match="more than the 20MiB of memory"):
        ask(lake, "SELECT list(range) FROM range(100000000)", replace(OWN, memory="20MiB"))


def test_a_file_that_is_gone_is_not_the_questions_fault(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.publish([lake.reading("b-1", 0)], "r.1", 5)
    (file,) = (lake.platform.settings.home / "lake").rglob("silver/boiler/data/**/*.parquet")
    file.unlink()
    for devices in (frozenset({"b-1"}), None):
        with pytest.raises(ServiceError, match="is gone"):
            ask(lake, "SELECT max(water) FROM silver.boiler", replace(OWN, devices=devices))
