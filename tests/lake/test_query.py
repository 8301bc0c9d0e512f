"""SQL over the lake: what it reads, what it refuses, what was known when."""

import os
import signal
import time
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from pyiceberg.types import StringType

from lake import history
from lake.interruptible import interruptibly
from lake.publications import State
from lake.query import sql
from lake.tables import DEVICE_DAILY, PUBLICATIONS, silver, superseded
from runtime.clock import FixedClock
from runtime.errors import QueryError
from tests.lake.small_lake import SmallLake, moment

LONG_AFTER = FixedClock(moment(10_000))


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    return SmallLake(tmp_path)


def test_silver_is_read_as_rows_as_arrow_and_as_pandas(lake: SmallLake) -> None:
    lake.publish([lake.reading(seq=0, mode="eco"), lake.reading(seq=1, burning=True)], "r.1", 5)
    answer = sql("select seq, water, mode, burning from silver.boiler order by seq", platform=lake.platform)
    assert answer.rows == [(0, 50.0, "eco", None), (1, 51.0, None, True)]
    assert answer.columns == ["seq", "water", "mode", "burning"]
    assert answer.arrow().num_rows == 2
    assert answer.pandas()["water"].tolist() == [50.0, 51.0]


def test_times_are_utc_whatever_the_zone_of_the_machine(lake: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    lake.publish([lake.reading(seq=3)], "r.1", 5)
    answer = sql("select event_time, event_time::date::text, hour(event_time) from silver.boiler", platform=lake.platform)
    assert answer.rows == [(moment(3), "2026-03-01", 12)]


def test_bronze_and_quarantine_are_read_where_they_lie(lake: SmallLake) -> None:
    lake.put_bronze([lake.reading(seq=0)], put_at=moment(120))
    lake.put_quarantined(b"{", reason="not_json")
    lake.put_quarantined(b"?", reason="unknown_contract", contract="Nonsense/..", folder="_unknown")
    bronze = "select event_id, ingest_date::text, ingest_hour from bronze.boiler"
    assert sql(bronze, platform=lake.platform).rows == [(lake.reading(seq=0)["event_id"], "2026-03-01", 14)]
    refused = "select bytes, reason, ingest_date::text from quarantine.boiler"
    assert sql(refused, platform=lake.platform).rows == [(b"{", "not_json", "2026-03-01")]
    assert sql("select contract from quarantine._unknown", platform=lake.platform).rows == [("Nonsense/..",)]


def test_a_table_that_nothing_has_made_yet_is_empty_and_has_its_columns(lake: SmallLake) -> None:
    for table in ("silver.boiler", "bronze.boiler", "gold.boiler_hourly", "features.boiler", "gold.predictions", "ops.publications"):
        assert sql(f"select * from {table}", platform=lake.platform).rows == []
    assert "water_mean" in sql("from gold.boiler_hourly", platform=lake.platform).columns


def test_a_column_that_came_later_is_null_in_older_files(lake: SmallLake) -> None:
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    with lake.make(silver(lake.boiler)).update_schema() as schema:
        schema.add_column("colour", StringType())
    assert sql("select seq, colour from silver.boiler", platform=lake.platform).rows == [(0, None)]


def test_an_unknown_table_is_refused_with_the_names_of_those_there_are(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match=r"boilers.*the tables are bronze\.boiler, features\.boiler, gold\.boiler_hourly"):
        sql("select * from silver.boilers", platform=lake.platform)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("boiler", "Did you mean silver.boiler"), ("silver.boilr", "Did you mean silver.boiler"), ("nosuch", "does not exist!; the")],
)
def test_a_table_that_was_nearly_named_is_proposed_from_the_lakes_own(lake: SmallLake, asked: str, meant: str) -> None:
    with pytest.raises(QueryError) as caught:
        sql(f"SELECT * FROM {asked}", platform=lake.platform)
    assert meant in str(caught.value)
    assert "pg_" not in str(caught.value)


def test_a_file_of_the_lake_that_is_gone_or_damaged_is_named_and_nobody_is_blamed_for_reading_it(lake: SmallLake) -> None:
    lake.publish([lake.reading("b-1", 0)], "r.1", 5)
    bronze = lake.platform.object_folder / lake.put_bronze([lake.reading("b-1", 0)])
    bronze.write_bytes(bronze.read_bytes()[:-20])
    with pytest.raises(QueryError, match=rf"query: .*{bronze.name} cannot be read as Parquet; the runbook says"):
        sql("SELECT max(water) FROM bronze.boiler", platform=lake.platform)
    (file,) = (lake.platform.settings.home / "lake").rglob("silver/boiler/data/**/*.parquet")
    file.unlink()
    with pytest.raises(QueryError, match=rf"query: .*{file.name} is gone, and the lake still names it"):
        sql("SELECT max(water) FROM silver.boiler", platform=lake.platform)


def test_wrong_sql_is_one_line(lake: SmallLake) -> None:
    for text in ("selec 1", "select wter from silver.boiler", "select 1/", ""):
        with pytest.raises(QueryError) as refused:
            sql(text, platform=lake.platform)
        assert "\n" not in str(refused.value)


def test_a_column_called_at_is_explained_where_the_parser_stumbles_over_it(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match='must be written "at"'):
        sql("select max(at) from gold.predictions", platform=lake.platform)
    assert sql('select max("at"), max(p.at) from gold.predictions p', platform=lake.platform).rows == [(None, None)]
    with pytest.raises(QueryError) as refused:
        sql('selec "at", p.at', platform=lake.platform)
    assert "must be written" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "create table t (a int)",
        "copy (select 1) to '/tmp/fleetlake_test_out.csv'",
        "explain analyze copy (select 1) to '/tmp/fleetlake_test_out.csv'",
        "delete from silver.boiler",
        "set threads = 1",
        "attach '/tmp/other.db'",
        "select 1; drop view silver.boiler",
    ],
)
def test_what_would_write_is_refused(lake: SmallLake, text: str) -> None:
    with pytest.raises(QueryError):
        sql(text, platform=lake.platform)
    assert not Path("/tmp/fleetlake_test_out.csv").exists()


def test_files_outside_the_lake_cannot_be_read(lake: SmallLake, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(QueryError, match="nothing else"):
        sql(f"select * from read_csv('{tmp_path}/secret.csv')", platform=lake.platform)


def test_parameters_are_values_and_never_sql(lake: SmallLake) -> None:
    lake.publish([lake.reading("o'brien", 0), lake.reading("b-2", 0)], "r.1", 5)
    answer = sql("select device_id from silver.boiler where device_id = ?", platform=lake.platform, parameters=["o'brien"])
    assert answer.rows == [("o'brien",)]


def test_tables_can_be_listed_and_described(lake: SmallLake) -> None:
    listed = sql("select table_schema || '.' || table_name as name from information_schema.tables", platform=lake.platform)
    assert {"silver.boiler", "ops.runs", "gold.device_daily"} <= {row[0] for row in listed.rows}
    shown = sql("Show tables;", platform=lake.platform)
    assert shown.columns == ["name"]
    assert [row[0] for row in shown.rows] == sorted(row[0] for row in listed.rows)
    assert "water" in {row[0] for row in sql("describe silver.boiler", platform=lake.platform).rows}
    assert sql("explain select * from silver.boiler", platform=lake.platform).rows


def test_a_pivot_is_a_question_too(lake: SmallLake) -> None:
    lake.publish([lake.reading(seq=0, mode="eco"), lake.reading(seq=1, mode="full")], "r.1", 5)
    answer = sql("pivot silver.boiler on mode using count(*) group by device_id", platform=lake.platform)
    assert (answer.columns, answer.rows) == (["device_id", "eco", "full"], [("b-1", 1, 1)])


def test_a_variable_of_python_is_no_table(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match="does not exist"):
        sql("select * from parameters", platform=lake.platform, parameters=[])


def test_as_of_has_the_rows_of_the_runs_that_were_visible_by_then(lake: SmallLake) -> None:
    lake.publish([lake.reading(seq=0)], "r.1", 10)
    lake.publish([lake.reading(seq=1)], "r.2", 20)

    def seqs(minute: float) -> list[int]:
        answer = sql("select seq from silver.boiler order by seq", as_of=moment(minute), platform=lake.platform, clock=LONG_AFTER)
        return [row[0] for row in answer.rows]

    assert [seqs(9), seqs(10), seqs(19.9), seqs(20), seqs(500)] == [[], [0], [0], [0, 1], [0, 1]]


def test_a_superseded_row_is_there_until_its_rebuild_was_visible(lake: SmallLake) -> None:
    old, new = lake.reading(seq=0, water=1.0) | {"run_id": "r.1"}, lake.reading(seq=0, water=2.0) | {"run_id": "rebuild.1"}
    lake.publish([old], "r.1", 10)
    lake.append(superseded(lake.boiler), [old | {"superseded_by": "rebuild.1"}])
    lake.make(silver(lake.boiler)).delete()
    snapshot = lake.append(silver(lake.boiler), [new])
    lake.note("rebuild.1", State.PUBLISHING, 29, snapshot=snapshot)

    def waters(minute: float) -> list[float]:
        answer = sql("select water from silver.boiler", as_of=moment(minute), platform=lake.platform, clock=LONG_AFTER)
        return [row[0] for row in answer.rows]

    # Main has moved and the rebuild is not noted visible yet: what was known before stays the same.
    assert waters(28) == [1.0]
    lake.note("rebuild.1", State.VISIBLE, 30, snapshot=snapshot)
    assert [waters(5), waters(28), waters(29.9), waters(30)] == [[], [1.0], [1.0], [2.0]]


def test_a_row_noted_superseded_by_a_rebuild_that_never_became_visible_counts_once(lake: SmallLake) -> None:
    row = lake.reading(seq=0) | {"run_id": "r.1"}
    lake.publish([row], "r.1", 10)
    lake.append(superseded(lake.boiler), [row | {"superseded_by": "rebuild.1"}])
    lake.note("rebuild.1", State.ABANDONED, 20)
    answer = sql("select seq from silver.boiler", as_of=moment(30), platform=lake.platform, clock=LONG_AFTER)
    assert answer.rows == [(0,)]


def test_a_derived_table_is_read_at_its_newest_snapshot_visible_by_then(lake: SmallLake) -> None:
    def day(device: str) -> dict[str, object]:
        return {"contract": "boiler", "device_id": device, "day": moment(0).date(), "readings": 1}

    first = lake.append(DEVICE_DAILY, [day("b-1")])
    second = lake.append(DEVICE_DAILY, [day("b-2")])
    # The earlier snapshot was noted later, by a healer; the later one holds both rows all the same.
    lake.note("g.2", State.VISIBLE, 20, snapshot=second, table=DEVICE_DAILY)
    lake.note("g.1", State.VISIBLE, 30, snapshot=first, table=DEVICE_DAILY)

    def devices(minute: float) -> int:
        answer = sql("select count(*) from gold.device_daily", as_of=moment(minute), platform=lake.platform, clock=LONG_AFTER)
        return int(answer.rows[0][0])

    assert [devices(19), devices(20), devices(30)] == [0, 2, 2]


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        (moment(20_000), "lies in the future"),
        ("2026-03-01T12:00:00", "no zone"),
        ("yesterday", "no ISO 8601 time"),
        (datetime(2026, 3, 1), "no zone"),  # noqa: DTZ001 - the wrong input of this test
    ],
)
def test_a_time_that_cannot_be_answered_is_refused(lake: SmallLake, as_of: datetime | str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        sql("select * from silver.boiler", as_of=as_of, platform=lake.platform, clock=LONG_AFTER)


def test_a_time_later_than_a_publication_under_way_is_refused_and_latest_lies_before_it(lake: SmallLake) -> None:
    lake.publish([lake.reading(seq=0)], "r.1", 10)
    lake.note("r.2", State.PUBLISHING, 20, snapshot=7)
    with pytest.raises(QueryError, match=r"r\.2 has been publishing to silver\.boiler"):
        sql("select * from silver.boiler", as_of=moment(20), platform=lake.platform, clock=LONG_AFTER)
    answer = sql("select count(*) from silver.boiler", as_of=history.LATEST, platform=lake.platform, clock=LONG_AFTER)
    assert answer.rows == [(1,)]
    assert answer.as_of is not None
    assert moment(19) < answer.as_of < moment(20)
    # Another table is not held up by it.
    assert sql("select * from gold.device_daily", as_of=moment(21), platform=lake.platform, clock=LONG_AFTER).rows == []


def test_arrivals_have_no_time_of_knowledge(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match=r"ask for bronze\.boiler without as_of"):
        sql("select * from bronze.boiler", as_of=moment(1), platform=lake.platform, clock=LONG_AFTER)


def test_runs_show_their_present_state_and_when_they_became_visible(lake: SmallLake) -> None:
    lake.note("r.1", State.PUBLISHING, 9, snapshot=1)
    lake.note("r.1", State.VISIBLE, 10, snapshot=1, inputs=["bronze/x"])
    lake.note("r.1", State.VISIBLE, 11, snapshot=1)
    lake.note("r.2", State.HELD, 12)
    answer = sql("select run_id, state, known_at, inputs from ops.runs order by run_id", platform=lake.platform)
    assert answer.rows == [("r.1", "visible", moment(10), ["bronze/x"]), ("r.2", "held", None, [])]
    assert sql(f"select count(*) from {PUBLICATIONS.name}", platform=lake.platform).rows == [(4,)]


# Hours of work for two cores, in one step of DuckDB.
ENDLESS = "select count(*) from range(200000) a, range(200000) b, range(3000) c where a.range + b.range * c.range = 7"


def test_an_interrupt_ends_a_query_within_seconds() -> None:
    connection = duckdb.connect(":memory:")

    def interrupted() -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return connection.execute(ENDLESS).fetchall()

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interruptibly(connection, interrupted)
    assert time.monotonic() - begun < 5
    assert connection.execute("select 1").fetchall() == [(1,)]


@pytest.mark.parametrize("error", [duckdb.InterruptException("INTERRUPT Error: Interrupted!"), RuntimeError("Query interrupted")])
def test_an_interrupt_that_duckdb_noticed_first_is_an_interrupt_all_the_same(error: Exception) -> None:
    with pytest.raises(KeyboardInterrupt):
        interruptibly(duckdb.connect(":memory:"), lambda: _fail(error))


def test_other_errors_and_answers_come_back_as_they_are() -> None:
    connection = duckdb.connect(":memory:")
    assert interruptibly(connection, lambda: connection.execute("select 7").fetchall()) == [(7,)]
    with pytest.raises(RuntimeError, match="the disk is full"):
        interruptibly(connection, lambda: _fail(RuntimeError("the disk is full")))


def _fail(error: Exception) -> None:
    raise error
