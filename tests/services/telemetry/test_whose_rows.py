"""Whatever SELECT somebody asks, its answer never holds a word of a device that is not theirs."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.tables import DEVICE_DAILY
from runtime.errors import FleetlakeError
from services.telemetry.render import Form, rendered
from services.telemetry.worker import Job, allowed, asked, taken
from tests.services.telemetry.world import World, at

# Of the foreign device: its id, and values that stand in its rows alone.
FOREIGN = ("b-3", "999888777", "zebra")
COLUMNS = ("device_id", "water", "starts", "boot", "seq", "event_time", "burning", "mode", "_extra", "run_id")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("lake"))
    own = [made.lake.reading(device, seq, starts=seq, mode="eco") for device in ("b-1", "b-2") for seq in range(3)]
    foreign = [made.lake.reading("b-3", seq, starts=999888777, boot="zebra", water=999888777.0, _extra="zebra") for seq in range(3)]
    made.lake.publish([*own, *foreign], "r.1", 5)
    daily = [{"contract": "boiler", "day": at(0).date(), "readings": n} for n in (3, 999888777)]
    made.lake.append(DEVICE_DAILY, [daily[0] | {"device_id": "b-1"}, daily[1] | {"device_id": "b-3"}])
    return made


column = st.sampled_from(COLUMNS)
values = st.sampled_from(["'b-3'", "'b-1'", "999888777", "1", "'zebra'", "NULL", "TIMESTAMPTZ '2026-03-01 12:01:00Z'"])
table = st.sampled_from(
    ["silver.boiler", '"SILVER"."Boiler"', "(SELECT * FROM silver.boiler)", "(FROM silver.boiler WHERE true OR device_id = 'b-3')"]
)
condition = st.one_of(
    st.builds("t.{}::VARCHAR = {}::VARCHAR".format, column, values),
    st.builds("t.{} IS NOT DISTINCT FROM t.{}".format, column, column),
    st.builds("EXISTS (FROM silver.boiler u WHERE u.{0} = t.{0} OR u.device_id = 'b-3')".format, column),
    st.builds("t.device_id IN (SELECT device_id FROM gold.device_daily WHERE readings > {})".format, st.integers(0, 5)),
    st.just("true"),
)
conditions = st.one_of(condition, st.builds("({} OR {})".format, condition, condition), st.builds("NOT ({})".format, condition))
shown = st.one_of(
    st.just("*"),
    st.builds("t.{}".format, column),
    st.just("t"),
    st.just("COLUMNS('.*')"),
    st.builds("list(t.{} ORDER BY t.seq)".format, column),
    st.builds("max(t.{}::VARCHAR), min(t.{}::VARCHAR), count(*)".format, column, column),
    st.builds("first_value(t.{}) OVER (ORDER BY t.starts DESC)".format, column),
    st.builds("(SELECT string_agg(u.{}::VARCHAR) FROM silver.boiler u)".format, column),
    st.builds("approx_top_k(t.{}, 5)".format, column),
    st.just("to_json(t)"),
)
statements = st.one_of(
    st.builds("SELECT {} FROM {} t WHERE {}".format, shown, table, conditions),
    st.builds("SELECT {} FROM {} t FULL JOIN silver.boiler USING ({}) WHERE {}".format, shown, table, column, conditions),
    st.builds("WITH t AS (FROM {} t WHERE {}) SELECT {} FROM t".format, table, conditions, shown),
    st.builds("SELECT {0} FROM {1} t UNION ALL BY NAME SELECT {0} FROM {2} t".format, shown, table, table),
    st.builds("SELECT * FROM gold.device_daily d NATURAL FULL JOIN {} t".format, table),
    st.builds("SELECT {} FROM {} t ANTI JOIN gold.device_daily USING (device_id)".format, shown, table),
    st.builds("SELECT DISTINCT ON (t.{}) {} FROM {} t USING SAMPLE 100%".format, column, shown, table),
    st.builds("SELECT {} FROM {} t QUALIFY row_number() OVER (PARTITION BY t.{}) = 1".format, shown, table, column),
)

# Those that have one answer, whatever the order in which rows are read.
certain = st.one_of(
    st.just("*"), st.builds("t.{}".format, column), st.just("t"), st.just("to_json(t)"), st.just("count(*), max(t.seq), min(t.mode)")
)
plain_table = st.sampled_from(["silver.boiler", '"SILVER"."Boiler"'])
same_by_any_way = st.one_of(
    st.builds("SELECT {} FROM {} t WHERE {}".format, certain, plain_table, conditions),
    st.builds(
        "SELECT t.{0}, u.{1} FROM silver.boiler t JOIN silver.boiler u USING ({2}) WHERE {3}".format, column, column, column, conditions
    ),
    st.builds("SELECT {}, d.day FROM {} t NATURAL LEFT JOIN gold.device_daily d WHERE {}".format, certain, plain_table, conditions),
    st.builds(
        "WITH t AS (SELECT {0}, seq, mode FROM silver.boiler t WHERE {1}) SELECT count(*), max(t.{0}::VARCHAR) FROM t".format,
        column,
        conditions,
    ),
)


@settings(max_examples=25, deadline=None)
@given(sql=statements, form=st.sampled_from(Form))
def test_no_answer_holds_a_word_of_a_foreign_device(world: World, sql: str, form: Form) -> None:
    job = world.job(sql, form=Form.JSON if form is Form.CSV else form)
    told = answered(world, job)
    # What is asked for may stand in the question; what is answered is of rows.
    assert [word for word in FOREIGN if word.encode() in told] == []


@settings(max_examples=12, deadline=None)
@given(sql=same_by_any_way)
def test_copies_of_what_a_question_can_need_give_the_answer_of_the_whole_tables(world: World, sql: str) -> None:
    over_copies = answered(world, world.job(sql, devices=frozenset({"b-1", "b-2", "b-3"})))
    over_files = answered(world, world.job(sql, devices=None))
    assert by_rows(over_copies) == by_rows(over_files)


def by_rows(told: bytes) -> Any:
    """An answer without the order of its rows; of a refusal that it is one."""
    if not told.startswith(b'{"columns"'):
        return "refused"
    answer = json.loads(told)
    return answer["columns"], sorted(json.dumps(row) for row in answer["rows"])


def answered(world: World, job: Job) -> bytes:
    """The answer, or the words with which it was refused."""
    platform = world.lake.platform
    try:
        with asked(platform, job, allowed(platform, job)) as answer:
            return rendered(taken(answer, 1_000_000), job.form, {})
    except FleetlakeError as error:
        return str(error).encode()


def test_the_foreign_words_are_there_for_whoever_may_see_them(world: World) -> None:
    """Otherwise the test above could not fail."""
    for sql in ("FROM silver.boiler", "SELECT t FROM silver.boiler t", "SELECT to_json(t) FROM silver.boiler t"):
        told = answered(world, world.job(sql, devices=None, is_admin=True))
        assert [word for word in FOREIGN if word.encode() in told] == list(FOREIGN)


def test_most_of_the_statements_are_answered(world: World) -> None:
    """One that is refused shows nothing: each shape has examples that are not."""
    for sql in (
        "SELECT t FROM silver.boiler t WHERE t.device_id = 'b-3' OR true",
        "SELECT * FROM (SELECT * FROM silver.boiler) t FULL JOIN silver.boiler USING (seq) WHERE true",
        "WITH t AS (FROM silver.boiler t WHERE true) SELECT first_value(t.boot) OVER (ORDER BY t.starts DESC) FROM t",
        "SELECT COLUMNS('.*') FROM silver.boiler t UNION ALL BY NAME SELECT COLUMNS('.*') FROM silver.boiler t",
        "SELECT * FROM gold.device_daily d NATURAL FULL JOIN silver.boiler t",
        "SELECT t.mode FROM silver.boiler t ANTI JOIN gold.device_daily USING (device_id)",
        "SELECT DISTINCT ON (t.seq) t.boot FROM silver.boiler t USING SAMPLE 100%",
        "SELECT to_json(t) FROM silver.boiler t QUALIFY row_number() OVER (PARTITION BY t.seq) = 1",
    ):
        assert answered(world, world.job(sql)).startswith(b'{"columns"'), sql
