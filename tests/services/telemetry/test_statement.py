"""Which statements a lake query may be, and what they are found to need. What is refused: tests/services/telemetry/hostile_sql.py."""

from typing import Any

import duckdb
import pytest

from services.problems import Invalid
from services.telemetry.functions import FUNCTIONS
from services.telemetry.statement import Statement, checked

TABLES = ("silver.boiler", "gold.device_daily")


@pytest.fixture(scope="module")
def connection() -> Any:
    return duckdb.connect(":memory:")


@pytest.mark.parametrize(
    "sql",
    [
        "FROM silver.boiler",
        "TABLE silver.boiler",
        "SELECT 1;",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT device_id, avg(water) FILTER (WHERE burning) FROM silver.boiler GROUP BY ALL HAVING count(*) > 3 ORDER BY ALL LIMIT 5 OFFSET 1",
        "SELECT * EXCLUDE (boot) REPLACE (water + 1 AS water) FROM silver.boiler",
        "SELECT date_trunc('hour', event_time), quantile_cont(water, [0.5, 0.99]) FROM silver.boiler GROUP BY 1",
        "SELECT time_bucket(INTERVAL 15 MINUTE, event_time) AS t, arg_max(water, event_time) FROM silver.boiler GROUP BY t",
        "SELECT water - lag(water) OVER (PARTITION BY device_id ORDER BY event_time ROWS 3 PRECEDING) FROM silver.boiler",
        "SELECT row_number() OVER w FROM silver.boiler WINDOW w AS (ORDER BY seq) QUALIFY row_number() OVER w < 3",
        "SELECT b.device_id FROM silver.boiler b ASOF JOIN gold.device_daily d ON b.device_id = d.device_id AND b.event_time >= d.day",
        "SELECT * FROM silver.boiler SEMI JOIN gold.device_daily USING (device_id)",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM b, a",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT sum(n) FROM r",
        "SELECT * FROM (WITH a AS (SELECT 1) FROM a) UNION ALL BY NAME SELECT 2",
        "SELECT CASE WHEN water BETWEEN 1 AND 2 THEN 'low' ELSE 'high' END, mode IN ('eco', 'full'), mode LIKE 'e%', NOT burning FROM silver.boiler",
        "SELECT water::DECIMAL(10, 2), TRY_CAST(mode AS INTEGER[]), CAST(seq AS STRUCT(a INT)), event_time AT TIME ZONE 'Europe/Berlin' FROM silver.boiler",
        "SELECT extract(hour FROM event_time), event_time - INTERVAL '1 day', TIMESTAMPTZ '2026-03-01 00:00Z', DATE '2026-03-01' FROM silver.boiler",
        "SELECT list_transform([1, 2], lambda x: x * 2), [y FOR y IN [1, 2, 3] IF y > 1], {'a': 1}.a, MAP {'k': 1}['k'], [1, 2, 3][1:2]",
        "SELECT _extra->>'colour', json_extract(_extra, '$.a.b'), to_json({'a': 1}) FROM silver.boiler",
        "SELECT regexp_extract(mode, '(e)(c)', 1), mode || '!', upper(mode), printf('%d', seq), strftime(event_time, '%H:%M') FROM silver.boiler",
        "SELECT unnest([1, 2]), generate_series FROM generate_series(1, 3), range(3) r, unnest([4, 5]) u(x)",
        "SELECT * FROM silver.boiler WHERE device_id = $1 AND seq > ? USING SAMPLE 10 ROWS",
        "SELECT count(DISTINCT device_id), string_agg(mode ORDER BY seq), grouping(mode) FROM silver.boiler GROUP BY ROLLUP (mode)",
        "SELECT DISTINCT ON (device_id) * FROM silver.boiler ORDER BY device_id, event_time DESC NULLS LAST",
        "SELECT corr(water, seq), regr_slope(water, seq), stddev_samp(water), entropy(mode), histogram(seq) FROM silver.boiler",
        "SELECT (SELECT max(d.readings) FROM gold.device_daily d WHERE d.device_id = b.device_id) FROM silver.boiler b WHERE EXISTS (FROM gold.device_daily)",
        "SELECT current_date, now(), coalesce(NULL, 1), nullif(1, 2), greatest(1, 2), 5 // 2, 5 % 2, 2 ** 3, ~1, 1 << 2, 1 <> 2, 1 == 1, -water FROM silver.boiler",
        "SELECT 'a' COLLATE NOCASE, typeof(1), hash(1), gen_random_uuid(), md5('a')",
    ],
)
def test_what_analysts_ask_is_allowed(connection: Any, sql: str) -> None:
    checked(connection, sql.replace("$1", "?"), TABLES)


def test_a_statement_names_its_tables_whatever_their_case_and_quotes(connection: Any) -> None:
    sql = 'SELECT 1 FROM "Silver"."BOILER", (SELECT 2 FROM gold.device_daily WHERE EXISTS (FROM silver.boiler))'
    assert checked(connection, sql, TABLES).tables == ("gold.device_daily", "silver.boiler")


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT Water FROM silver.boiler b WHERE b.SEQ > 1 ORDER BY mode", {"water", "b", "seq", "mode"}),
        ("SELECT count(*) FROM silver.boiler", set()),
        ("SELECT 1 FROM silver.boiler JOIN gold.device_daily USING (device_id)", {"device_id"}),
        pytest.param("SELECT * FROM silver.boiler", None, id="all of them"),
        pytest.param("SELECT COLUMNS('w.*') FROM silver.boiler", None, id="by a pattern"),
        pytest.param("SELECT b FROM silver.boiler b", None, id="the row by the table's alias"),
        pytest.param("SELECT to_json(boiler) FROM silver.boiler", None, id="the row by the table's name"),
        pytest.param("SELECT silver.boiler FROM silver.boiler", None, id="the row by the table's whole name"),
        pytest.param("SELECT 1 FROM silver.boiler NATURAL JOIN gold.device_daily", None, id="those that both have"),
    ],
)
def test_the_columns_that_a_statement_can_need(connection: Any, sql: str, columns: set[str] | None) -> None:
    assert checked(connection, sql, TABLES) == Statement(
        checked(connection, sql, TABLES).tables, None if columns is None else frozenset(columns)
    )


def test_a_name_that_with_gives_is_known_to_what_comes_after_it_and_no_further(connection: Any) -> None:
    checked(connection, "WITH a AS (SELECT 1), b AS (FROM a) SELECT (SELECT count(*) FROM a) FROM b", TABLES)
    for sql in (
        "WITH b AS (FROM a), a AS (SELECT 1) FROM b",
        "WITH a AS (FROM a) FROM a",
        "SELECT * FROM (WITH a AS (SELECT 1) FROM a), a",
        "FROM a UNION ALL (WITH a AS (SELECT 1) FROM a)",
    ):
        with pytest.raises(Invalid, match="there is no table a; the tables are"):
            checked(connection, sql, TABLES)


def test_none_of_the_functions_reads_anything_but_its_arguments(connection: Any) -> None:
    """Those that DuckDB itself marks as reading files, settings or catalogs, and table functions, but the three that make rows."""
    table_functions = connection.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('table', 'table_macro', 'pragma')"
    ).fetchall()
    assert {name for (name,) in table_functions} & FUNCTIONS <= {"range", "generate_series", "unnest", "repeat", "histogram"}
    words = (
        "read_",
        "duckdb",
        "pragma",
        "current_set",
        "getvar",
        "getenv",
        "sql",
        "secret",
        "log_",
        "query",
        "nextval",
        "currval",
        "pg_",
        "scan",
    )
    assert [name for name in FUNCTIONS if any(word in name for word in words)] == []
