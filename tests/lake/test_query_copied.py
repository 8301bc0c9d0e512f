"""Confined SQL where an engine answers: what the engine is asked for, and what becomes of it. The engine here is a list of answers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lake import query_copied
from lake.confined import Confined
from lake.query import stream
from lake.tables import DEVICE_DAILY
from runtime.errors import QueryError, QueryTooLarge
from runtime.query_engine import AnswerColumn
from tests.lake.small_lake import SmallLake, moment
from tests.lake.test_query_athena import Elsewhere, Engine

OWN = Confined(("silver.boiler",), frozenset({"seq", "event_time"}), frozenset({"b-2", "it's"}), "64MiB", 1)
COLUMNS = [AnswerColumn("device_id", "varchar"), AnswerColumn("event_time", "timestamp with time zone"), AnswerColumn("seq", "bigint")]
PAGE = [["b-2", "2026-03-01 12:00:00.000000 UTC", "0"], ["b-2", "2026-03-01 12:07:00.000000 UTC", "7"]]


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    made = SmallLake(tmp_path / "home")
    made.publish([made.reading("b-2", seq) for seq in range(8)], "r.1", 10)
    made.platform = Elsewhere(made.platform.settings)
    made.platform.engine = Engine(COLUMNS, PAGE, [["it's", "2026-03-01 12:09:00.000000 UTC", "9"]])
    return made


def ask(lake: SmallLake, sql: str, confined: Confined = OWN, **more: Any) -> list[dict[str, Any]]:
    with stream(sql, platform=lake.platform, confined=confined, **more) as answer:
        return [row for batch in answer for row in batch.to_pylist()]


def told(lake: SmallLake) -> list[str]:
    return [text for text, _ in lake.platform.engine.asked]  # type: ignore[attr-defined]


def test_the_engine_is_asked_for_the_devices_rows_and_the_question_of_a_copy_of_them(lake: SmallLake) -> None:
    found = ask(lake, "SELECT device_id, max(seq) AS n FROM silver.boiler WHERE event_time >= '2026-03-01' GROUP BY ALL ORDER BY ALL")
    assert found == [{"device_id": "b-2", "n": 7}, {"device_id": "it's", "n": 9}]
    assert told(lake) == [
        """SELECT "device_id", "event_time", "seq" FROM silver.boiler WHERE "device_id" IN ('b-2', 'it''s') """
        """AND ("event_time" >= TIMESTAMP '2026-03-01 00:00:00.000000 UTC') LIMIT 200001"""
    ]


def test_no_word_of_the_question_reaches_the_engine(lake: SmallLake) -> None:
    ask(lake, "SELECT seq, 'x; DROP TABLE' AS words FROM silver.boiler /* hostile */ WHERE seq + 1 > 0 OR device_id = concat('b-', 3)")
    assert told(lake) == [
        """SELECT "device_id", "event_time", "seq" FROM silver.boiler WHERE "device_id" IN ('b-2', 'it''s') LIMIT 200001"""
    ]


def test_as_of_pins_what_the_engine_is_asked_for(lake: SmallLake) -> None:
    ask(lake, "SELECT seq FROM silver.boiler", as_of=moment(10))
    (text,) = told(lake)
    assert text.startswith("WITH known_silver_boiler AS (SELECT ")
    assert "run_id IN ('r.1')" in text
    assert text.endswith("""FROM known_silver_boiler WHERE "device_id" IN ('b-2', 'it''s') LIMIT 200001""")


def test_without_devices_or_a_table_nothing_is_asked_for(lake: SmallLake) -> None:
    assert ask(lake, "SELECT count(*) AS n FROM silver.boiler", replace(OWN, devices=frozenset())) == [{"n": 0}]
    daily = replace(OWN, tables=(DEVICE_DAILY.name,), columns=None)
    assert ask(lake, "SELECT count(readings) AS n FROM gold.device_daily", daily) == [{"n": 0}]
    assert told(lake) == []


def test_more_rows_than_a_copy_holds_are_too_many(lake: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_copied, "MOST_ROWS", 2)
    with pytest.raises(QueryTooLarge, match=r"more than 2 rows of silver\.boiler; ask for a shorter time"):
        ask(lake, "SELECT seq FROM silver.boiler")


def test_files_cannot_be_read_here_either(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match="a query reads the tables of the lake and nothing else"):
        ask(lake, "SELECT * FROM read_text('/etc/passwd')")
