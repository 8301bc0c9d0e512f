"""The same calls answered by an engine: what it is asked, and what its answer becomes. The engine here is a list of answers."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.query import explain, sql, stream
from lake.tables import DEVICE_DAILY, superseded
from runtime.errors import QueryError
from runtime.local import LocalPlatform
from runtime.query_engine import AnswerColumn, EngineAnswer, Row
from tests.lake.small_lake import SmallLake, moment


class Engine:
    def __init__(self, columns: Sequence[AnswerColumn], *pages: Sequence[Row]) -> None:
        self.asked: list[tuple[str, Sequence[Any]]] = []
        self._answer = (tuple(columns), pages)

    def ask(self, text: str, parameters: Sequence[Any] = ()) -> EngineAnswer:
        self.asked.append((text, parameters))
        columns, pages = self._answer
        return EngineAnswer(columns, iter(pages))


class Elsewhere(LocalPlatform):
    engine: Engine

    def query_engine(self) -> Engine:
        return self.engine


COUNT = [AnswerColumn("n", "bigint")]


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    made = SmallLake(tmp_path / "home")
    made.platform = Elsewhere(made.platform.settings)
    made.platform.engine = Engine(COUNT, [["1"], ["2"]], [["3"]])
    return made


def test_values_have_the_types_that_the_engine_says(lake: SmallLake) -> None:
    columns = [
        *(AnswerColumn(name, name) for name in ("varchar", "boolean", "double", "date", "timestamp with time zone", "varbinary", "array")),
        AnswerColumn("decimal", "decimal", 10, 2),
        AnswerColumn("varchar", "varchar"),
    ]
    row = ["ç", "true", "0.5", "2026-03-01", "2026-03-01 12:00:00.000000 UTC", "61 62", "[1]", "1.50", None]
    lake.platform.engine = Engine(columns, [row, [None] * 9])  # type: ignore[attr-defined]
    answer = sql("select …", platform=lake.platform)
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert answer.rows == [("ç", True, 0.5, date(2026, 3, 1), at, b"ab", "[1]", Decimal("1.50"), None), (None,) * 9]
    assert answer.columns[-1] == "varchar_1"


def test_pages_are_batches_and_a_limit_leaves_the_rest(lake: SmallLake) -> None:
    with stream("select n from silver.boiler;", platform=lake.platform, parameters=[7]) as answer:
        assert [batch.to_pydict() for batch in answer] == [{"n": [1, 2]}, {"n": [3]}]
    assert lake.platform.engine.asked == [("select n from silver.boiler", [7])]  # type: ignore[attr-defined]
    cut = sql("select n from silver.boiler", platform=lake.platform, limit=2)
    assert (cut.rows, cut.has_more) == ([(1,), (2,)], True)


def asked(lake: SmallLake, text: str, minute: float) -> str:
    sql(text, platform=lake.platform, as_of=moment(minute))
    return str(lake.platform.engine.asked[-1][0])  # type: ignore[attr-defined]


def test_as_of_pins_silver_at_its_snapshot_and_the_runs_known_then(lake: SmallLake) -> None:
    lake.publish([lake.reading(seq=0)], "r.1", 10)
    gone = lake.append(superseded(lake.boiler), [lake.reading(seq=0) | {"run_id": "r.1", "superseded_by": "o'r.2"}])
    newest = lake.publish([lake.reading(seq=1)], "o'r.2", 20)
    text = asked(lake, """select 'silver.boiler', b.seq from "silver".boiler b -- silver.boiler""", 15)
    head, _, rest = text.partition(") select ")
    assert rest == "'silver.boiler', b.seq from known_silver_boiler b -- silver.boiler"
    assert head.startswith('WITH known_silver_boiler AS (SELECT "event_id", "device_id", ')
    assert f"FROM silver.boiler FOR VERSION AS OF {newest} WHERE run_id IN ('r.1') UNION ALL SELECT " in head
    assert head.endswith(f"FROM silver.boiler_superseded FOR VERSION AS OF {gone} WHERE run_id IN ('r.1') AND superseded_by IN ('o''r.2')")


def test_as_of_joins_a_with_that_is_there_and_other_tables(lake: SmallLake) -> None:
    text = asked(lake, "with x as (select * from gold.device_daily) select * from x, ops.ledger", 15)
    assert text.startswith("WITH known_gold_device_daily AS (SELECT ")
    assert 'FROM gold.device_daily WHERE false), known_ops_ledger AS (SELECT "run_id", ' in text
    assert text.endswith(
        "FROM ops.ledger WHERE planned_at <= TIMESTAMP '2026-03-01 12:15:00.000000 UTC'), "
        "x as (select * from known_gold_device_daily) select * from x, known_ops_ledger"
    )
    assert DEVICE_DAILY.name == "gold.device_daily"


@pytest.mark.parametrize(
    ("text", "as_of", "words"),
    [
        ("delete from silver.boiler", None, "delete: only SELECT"),
        ("select * from ops.runs", None, r"ask ops\.publications"),
        ("select * from bronze.boiler", moment(1), "no time of knowledge"),
        ("", None, "only SELECT"),
    ],
)
def test_what_cannot_be_answered_is_refused_before_it_is_asked(lake: SmallLake, text: str, as_of: Any, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        sql(text, platform=lake.platform, as_of=as_of)
    assert lake.platform.engine.asked == []  # type: ignore[attr-defined]


def test_explain_is_the_engines_own(lake: SmallLake) -> None:
    lake.platform.engine = Engine([AnswerColumn("Query Plan", "varchar")], [["Fragment 0"], ["  Output"]])  # type: ignore[attr-defined]
    found = explain("select 1", platform=lake.platform)
    assert (found.scans, found.plan) == ((), "Fragment 0\n  Output")
    assert lake.platform.engine.asked[0][0] == "EXPLAIN select 1"  # type: ignore[attr-defined]
