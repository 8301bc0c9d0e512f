"""Files that a WHERE leaves out: fewer are read, and no answer is another."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake import query_duckdb
from lake.pruning import filters
from lake.query import explain, sql
from lake.tables import superseded
from tests.lake.small_lake import SmallLake, moment

DAY = 24 * 60
COLUMNS = {
    "silver.boiler": {"event_time": "timestamp", "device_id": "string", "seq": "int64", "water": "float64", "mode": "string"},
    "bronze.boiler": {"ingest_date": "date", "ingest_hour": "int64", "device_id": "string"},
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """Twelve files of silver: four days from 2026-03-01 on, a file for each of three devices and day; the third has no modes."""
    lake = SmallLake(tmp_path_factory.mktemp("wide") / "home")
    for day in range(4):
        for number, device in enumerate(("b-1", "b-2", "ç-3")):
            modes = ["eco", "full", None] if number < 2 else [None, None, None]
            rows = [lake.reading(device, day * DAY + 10 * n, mode=mode, water=float(day)) for n, mode in enumerate(modes)]
            lake.publish(rows, f"r{day}{number}.1", day * DAY + 100 + number)
        lake.put_bronze([lake.reading("b-1", day * DAY)], put_at=moment(day * DAY + 61))
    return lake


@pytest.fixture
def connection() -> Iterator[Any]:
    with duckdb.connect(":memory:") as made:
        made.execute("SET TimeZone = 'UTC'")
        yield made


def said(connection: Any, text: str, *parameters: Any) -> dict[str, str]:
    return {table: str(found) for table, found in filters(connection, text, COLUMNS, parameters).items()}


SILVER = "select * from silver.boiler where "


@pytest.mark.parametrize(
    ("where", "filter_"),
    [
        ("event_time >= '2026-03-01T01:00+01:00' and water > 2", "event_time >= 2026-03-01 00:00:00Z"),
        ("timestamp '2026-03-02 12:00' > EVENT_TIME", "event_time < 2026-03-02 12:00:00Z"),
        ("event_time between '2026-03-01' and '2026-03-02'", "event_time >= 2026-03-01 00:00:00Z and event_time <= 2026-03-02 00:00:00Z"),
        ("event_time::date = '2026-03-01'", "event_time >= 2026-03-01 00:00:00Z and event_time < 2026-03-02 00:00:00Z"),
        ("cast(event_time as date) > date '2026-03-01'", "event_time >= 2026-03-02 00:00:00Z"),
        ("event_time < date '2026-03-01' + interval 2 hours", "event_time < 2026-03-01 02:00:00Z"),
        ("device_id in ('a', 'b') and seq <= -5", "device_id in ('a', 'b') and seq <= -5"),
        ("(device_id = 'a' and seq = 1) or mode = 'eco'", "(device_id = 'a' and seq = 1) or mode = 'eco'"),
        ("boiler.device_id = 'a' and silver.boiler.seq = 1", "device_id = 'a' and seq = 1"),
    ],
)
def test_a_comparison_with_a_constant_chooses_files(connection: Any, where: str, filter_: str) -> None:
    assert said(connection, SILVER + where) == {"silver.boiler": filter_}


@pytest.mark.parametrize(
    "where",
    [
        "device_id = 'a' or water > 3",  # nothing is known of the other rows
        "not device_id = 'a'",
        "device_id <> 'a' or device_id is null",
        "mode is not distinct from null",
        "device_id = null and mode in ('eco', null)",
        "seq = 3.5",
        "lower(device_id) = 'a'",
        "device_id collate nocase = 'A'",
        "water >= 3",  # a NaN is above all numbers for DuckDB and in no bounds of Iceberg's
        "event_time < now() - interval 1 day",  # now is later when the query runs
        "event_time = 'infinity'",
        "event_time < timestamp_ns '2026-03-01 00:00:00.0000000019'",
        "device_id = mode",
        "device_id = (select max(device_id) from silver.boiler)",
        "seq in (1, 2.5)",
        "random() < 0.5",
    ],
)
def test_what_is_not_plain_leaves_the_table_whole(connection: Any, where: str) -> None:
    assert said(connection, SILVER + where) == {}


@pytest.mark.parametrize(
    "text",
    [
        "select upper(device_id) as mode from silver.boiler where mode = 'eco'",
        "select * from silver.boiler t(device_id) where device_id = 'a'",
        "select * from silver.boiler tablesample 3 rows where device_id = 'a'",
        "select * from silver.boiler using sample 3 rows where device_id = 'a'",
        "select * from silver.boiler where device_id = 'a' union all from silver.boiler",
        "select (select count(*) from silver.boiler) from silver.boiler where device_id = 'a'",
        "select * from silver.boiler s full join bronze.boiler b using (device_id) where s.device_id = 'a'",
        "select * from silver.boiler s asof join bronze.boiler b on s.event_time >= b.event_time where s.device_id = 'a'",
        "select * from silver.boiler s positional join bronze.boiler b where s.device_id = 'a'",
        "select * from silver.boiler s anti join bronze.boiler b using (device_id) where s.device_id = 'a'",
        "select * from silver.boiler s join bronze.boiler b using (device_id) where device_id = 'a'",
        "select * from silver.boiler s, silver.boiler s2 where s.device_id = 'a'",
        "select * from query_table('silver.boiler') where device_id = 'a'",
        "select * from silver.boiler where device_id = 'a' union all from query_table('silver.boiler')",
        "select * from (from silver.boiler limit 2) where device_id = 'a'",
        "select * from (pivot silver.boiler on mode using count(*)) where device_id = 'a'",
        "summarize silver.boiler",
        "selec device_id = 'a'",
    ],
)
def test_a_place_where_rows_cannot_be_taken_away_first_leaves_the_table_whole(connection: Any, text: str) -> None:
    assert said(connection, text).get("silver.boiler") is None


def test_each_place_that_names_a_table_has_its_say(connection: Any) -> None:
    both = "with a as (from silver.boiler where device_id = 'x') from a union all by name from silver.boiler where seq = 1"
    assert said(connection, both) == {"silver.boiler": "device_id = 'x' or seq = 1"}
    joined = "from silver.boiler s left join bronze.boiler b on s.seq = b.seq where s.device_id = 'x' and b.ingest_date > '2026-03-01'"
    assert said(connection, joined) == {"silver.boiler": "device_id = 'x'", "bronze.boiler": "ingest_date > 2026-03-01"}


def test_a_parameter_is_a_constant(connection: Any) -> None:
    text = "from silver.boiler where event_time >= ? and device_id = ?"
    at = datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert said(connection, text, at, "o'brien") == {"silver.boiler": 'event_time >= 2026-03-01 06:00:00Z and device_id = "o\'brien"'}
    assert said(connection, text, None, 7) == {}


def test_a_lower_bound_by_now_may_be_a_moment_too_low_and_no_more(connection: Any) -> None:
    before = datetime.now(UTC)
    found = said(connection, "from silver.boiler where event_time > now() - interval 1 day")["silver.boiler"]
    bound = datetime.fromisoformat(found.removeprefix("event_time > "))
    assert timedelta(0) <= bound - (before - timedelta(days=1)) < timedelta(seconds=5)


def test_a_day_a_device_and_an_hour_of_arrival_read_their_own_files_alone(wide: SmallLake) -> None:
    def files(text: str, **options: Any) -> list[tuple[str, int, int, tuple[str, ...]]]:
        found = explain(text, platform=wide.platform, **options)
        return [(scan.table, scan.files, scan.of_files, scan.partitions) for scan in found.scans]

    assert files("from silver.boiler where event_time::date = '2026-03-02'") == [("silver.boiler", 3, 12, ("2026-03-02",))]
    assert [each[1] for each in files("from silver.boiler where device_id = 'ç-3'")] == [4]
    assert [each[1] for each in files("from silver.boiler where device_id = 'ç-3' and event_time < '2026-03-02'")] == [1]
    assert [each[1:3] for each in files("from silver.boiler where mode = 'eco'")] == [(8, 12)]
    assert files("from bronze.boiler where ingest_date >= '2026-03-03' and ingest_hour = 13") == [
        ("bronze.boiler", 2, 4, ("2026-03-03", "2026-03-04"))
    ]
    assert [each[1] for each in files("from bronze.boiler where ingest_hour = 12")] == [0]


def test_bytes_are_those_of_the_files(wide: SmallLake) -> None:
    every = {file: file.stat().st_size for file in (wide.platform.settings.home / "lake").rglob("boiler/data/**/*.parquet")}
    (scan,) = explain("from silver.boiler where event_time::date = '2026-03-02'", platform=wide.platform).scans
    assert scan.of_bytes == sum(every.values())
    assert scan.bytes == sum(size for file, size in every.items() if "event_time_day=2026-03-02" in str(file))
    assert 0 < scan.bytes < scan.of_bytes


def test_superseded_rows_of_the_past_are_pruned_with_their_table(tmp_path: Any) -> None:
    lake = SmallLake(tmp_path / "home")
    rows = [lake.reading("b-1", 0), lake.reading("b-1", 3 * DAY)]
    lake.publish(rows, "r.1", 10)
    lake.append(superseded(lake.boiler), [row | {"run_id": "r.0", "superseded_by": "r.1"} for row in rows])
    found = explain("from silver.boiler where event_time < '2026-03-02'", platform=lake.platform, as_of=moment(20))
    assert sorted((scan.table, scan.files, scan.of_files) for scan in found.scans) == [
        ("silver.boiler", 1, 2),
        ("silver.boiler_superseded", 1, 2),
    ]


_moments = st.integers(0, 4 * DAY).map(moment)
_devices = st.sampled_from(["b-1", "b-2", "ç-3", "b", "z", ""])
_signs = st.sampled_from(["=", "<", "<=", ">", ">=", "<>"])
_texts = st.one_of(
    st.builds("event_time {} '{}'".format, _signs, _moments),
    st.builds("timestamptz '{}' {} event_time".format, _moments, _signs),
    st.builds("event_time::date {} '{}'".format, _signs, _moments.map(datetime.date)),
    st.builds("event_time between '{}' and '{}'".format, _moments, _moments),
    st.builds("device_id {} '{}'".format, _signs, _devices),
    st.builds("device_id in ('{}', '{}')".format, _devices, _devices),
    st.builds("seq {} {}".format, _signs, st.integers(-1, 4 * DAY)),
    st.builds("mode {} '{}'".format, _signs, st.sampled_from(["eco", "full", "x"])),
    st.sampled_from(["water > 1", "mode is null", "burning", "1 = 1", "null"]),
)
_conditions = st.recursive(
    _texts,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner), st.builds("({} or {})".format, inner, inner), st.builds("(not {})".format, inner)
    ),
    max_leaves=5,
)
_questions = st.sampled_from(
    [
        "select event_id from silver.boiler where {0}",
        "select count(*), min(event_time) from silver.boiler b where {0}",
        "select event_id from silver.boiler where {0} union all select event_id from silver.boiler where {1}",
        "select a.event_id, b.event_id from silver.boiler a left join (from silver.boiler where {0}) b on a.seq = b.seq where {2}",
        "with x as (from silver.boiler where {0}) select device_id, count(*) from x where {1} group by all",
        "select event_id from silver.boiler o where {0} and exists (select 1 from silver.boiler where {1} and seq = o.seq)",
    ]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=_questions, one=_conditions, two=_conditions, day=_moments, known=st.none() | _moments)
def test_a_pruned_answer_is_the_answer(
    wide: SmallLake, monkeypatch: pytest.MonkeyPatch, question: str, one: str, two: str, day: datetime, known: datetime | None
) -> None:
    text = question.format(one, two, f"a.event_time < '{day}' and a.device_id >= 'b-2'")
    pruned = sorted(map(repr, sql(text, platform=wide.platform, as_of=known).rows))
    with monkeypatch.context() as whole:
        whole.setattr(query_duckdb, "filters", lambda *_: {})
        assert sorted(map(repr, sql(text, platform=wide.platform, as_of=known).rows)) == pruned
