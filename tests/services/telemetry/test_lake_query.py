"""SQL over the lake over HTTP: whose rows, in which form, within which limits."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from lake.tables import DEVICE_DAILY, DEVICE_HEALTH, PREDICTIONS, superseded
from services.telemetry.worker import Limits
from tests.services.telemetry.world import World, at, iso


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    for number, device in enumerate(("b-1", "b-2", "b-3"), 1):
        made.lake.publish([made.lake.reading(device, seq, starts=number) for seq in range(3)], f"r.{number}", number)
    return made


def test_a_caller_sees_the_rows_of_its_devices_and_is_told_that_others_are_left_out(world: World) -> None:
    answer = world.ask("SELECT device_id, count(*) AS n FROM silver.boiler GROUP BY 1 ORDER BY 1", "otto")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "columns": [{"name": "device_id", "type": "string"}, {"name": "n", "type": "int64"}],
        "rows": [["b-1", 3], ["b-2", 3]],
        "row_count": 2,
        "truncated": False,
        "rows_left_out": True,
        "restricted_tables": ["silver.boiler"],
        "as_of": None,
    }


def test_an_admin_sees_all_rows_and_is_told_that_none_are_left_out(world: World) -> None:
    answer = world.ask("SELECT count(*) FROM silver.boiler", "ada").json()
    assert (answer["rows"], answer["rows_left_out"], answer["restricted_tables"]) == ([[9]], False, [])


def test_a_caller_without_devices_sees_empty_tables(world: World) -> None:
    answer = world.ask("SELECT count(*), max(water) FROM silver.boiler", "nemo").json()
    assert (answer["rows"], answer["rows_left_out"]) == ([[0, None]], True)


def test_raw_tables_are_for_admins(world: World) -> None:
    world.lake.put_bronze([world.lake.reading("b-1", 0)])
    assert world.ask("SELECT device_id FROM bronze.boiler", "ada").json()["rows"] == [["b-1"]]
    assert world.ask("SELECT count(*) FROM ops.publications", "ada").json()["rows"] == [[3]]
    for user in ("otto", "vera", "nemo"):
        answer = world.ask("SELECT device_id FROM bronze.boiler", user)
        assert (answer.status_code, answer.json()["code"]) == (403, "AccessDeniedException")
        assert "bronze.boiler" in answer.json()["detail"]


def test_the_tables_that_all_contracts_share_hold_the_callers_devices_alone(world: World) -> None:
    for table, times in ((DEVICE_DAILY, {"day": at(0).date()}), (DEVICE_HEALTH, {"changed_at": at(0), "state": "online", "run_id": "r"})):
        world.lake.append(table, [{"contract": "boiler", "device_id": device, **times} for device in ("b-1", "b-3", "*")])
    keys = {"contract": "boiler", "model": "m", "version": "1", "at": at(0), "run_id": "r"}
    world.lake.append(PREDICTIONS, [{"device_id": device, **keys} for device in ("b-1", "b-3")])
    for table in (DEVICE_DAILY, DEVICE_HEALTH, PREDICTIONS):
        assert world.ask(f"SELECT device_id FROM {table.name}").json()["rows"] == [["b-1"]]


def test_rows_that_a_rebuild_replaced_are_restricted_as_well(world: World) -> None:
    rows = [world.lake.reading(device, 0) | {"run_id": "r.1", "superseded_by": "r.9"} for device in ("b-1", "b-3")]
    world.lake.append(superseded(world.lake.boiler), rows)
    assert world.ask("SELECT device_id FROM silver.boiler_superseded").json()["rows"] == [["b-1"]]


def test_as_of_gives_what_was_known_then_of_the_callers_devices(world: World) -> None:
    asked = "SELECT DISTINCT device_id FROM silver.boiler ORDER BY 1"
    then = world.ask(asked, "otto", as_of=iso(1)).json()
    assert (then["rows"], then["as_of"]) == ([["b-1"]], "2026-03-01T12:01:00Z")
    assert world.ask(asked, "otto", as_of="latest").json()["rows"] == [["b-1"], ["b-2"]]
    for moment in ("tomorrow", "2026-03-01T12:00:00", "2036-03-01T12:00:00Z"):
        assert world.ask(asked, "otto", as_of=moment).status_code == 400


def test_question_marks_are_filled_with_parameters(world: World) -> None:
    asked = "SELECT count(*) FROM silver.boiler WHERE event_time >= ? AND starts = ? AND water < ? AND (mode IS NULL) = ?"
    answer = world.ask(asked, parameters=["2026-03-01T12:01:00Z", 1, 99.5, True])
    assert answer.json()["rows"] == [[2]]
    # A parameter is a value, whatever stands in it.
    assert world.ask("SELECT count(*) FROM silver.boiler WHERE device_id = ?", parameters=["' OR true --"]).json()["rows"] == [[0]]
    assert world.ask("SELECT ?").status_code == 400
    assert world.ask("SELECT 1", parameters=[[1]]).status_code == 400


def test_more_rows_than_the_limit_are_cut_and_it_says_so(world: World) -> None:
    cut = world.ask("SELECT * FROM range(12)", limit=10).json()
    assert (cut["row_count"], len(cut["rows"]), cut["truncated"]) == (10, 10, True)
    assert world.ask("SELECT * FROM range(10)", limit=10).json()["truncated"] is False
    assert world.ask("SELECT * FROM range(20000)").json()["row_count"] == 1_000
    assert world.ask("SELECT 1", limit=10_001).status_code == 400


def test_every_kind_of_value_is_json_and_none_loses_digits(world: World) -> None:
    asked = """SELECT 9007199254740991 AS safe, 9007199254740993 AS large, 170141183460469231731687303715884105727::HUGEINT AS huge,
        1.10::DECIMAL(10, 2) AS price, 0.1::DOUBLE AS third, 'nan'::DOUBLE AS nan, '-inf'::DOUBLE AS low,
        TIMESTAMPTZ '2026-03-01 12:00:00.5+02' AS at, TIMESTAMP '2026-03-01 12:00:00' AS local, DATE '2026-03-01' AS day,
        TIME '12:00:01' AS clock, INTERVAL '14 months 3 days 4.5 seconds' AS span, '\\xAA\\x00'::BLOB AS bytes,
        [1, NULL] AS list, {'a': 1.5, 'b': [DATE '2026-03-01']} AS record, MAP {'k': 'nan'::DOUBLE} AS map,
        '6f9619ff-8b86-d011-b42d-00cf4fc964ff'::UUID AS id, NULL AS nothing, true AS yes, 'ü' AS text"""
    answer = world.ask(asked)
    assert answer.status_code == 200, answer.text
    assert dict(zip((column["name"] for column in answer.json()["columns"]), answer.json()["rows"][0], strict=True)) == {
        "safe": 9007199254740991,
        "large": "9007199254740993",
        "huge": "170141183460469231731687303715884105727",
        "price": "1.10",
        "third": 0.1,
        "nan": "NaN",
        "low": "-Infinity",
        "at": "2026-03-01T10:00:00.500000Z",
        "local": "2026-03-01T12:00:00",
        "day": "2026-03-01",
        "clock": "12:00:01",
        "span": "P14M3DT4.5S",
        "bytes": "qgA=",
        "list": [1, None],
        "record": {"a": "1.5", "b": ["2026-03-01"]},
        "map": [["k", "NaN"]],
        "id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
        "nothing": None,
        "yes": True,
        "text": "ü",
    }


def test_a_value_that_json_cannot_hold_is_named(world: World) -> None:
    answer = world.ask("SELECT DATE '200000-01-01' AS far")
    assert answer.status_code == 400
    assert "column far" in answer.json()["detail"]


def test_columns_of_one_name_are_told_apart(world: World) -> None:
    assert [column["name"] for column in world.ask("SELECT 1 AS a, 2 AS a, 3 AS A").json()["columns"]] == ["a", "a_1", "A_2"]


def test_an_answer_may_be_csv_or_an_arrow_stream(world: World) -> None:
    asked = "SELECT device_id, seq FROM silver.boiler ORDER BY seq"
    csv = world.ask(asked, accept="text/csv;q=0.9, text/html", limit=2)
    assert (csv.headers["content-type"].partition(";")[0], csv.text) == ("text/csv", '"device_id","seq"\n"b-1",0\n"b-1",1\n')
    assert (csv.headers["fleetlake-truncated"], csv.headers["fleetlake-rows-left-out"]) == ("true", "true")
    assert csv.headers["fleetlake-restricted-tables"] == "silver.boiler"
    arrow = world.ask(asked, accept="application/vnd.apache.arrow.stream")
    assert pa.ipc.open_stream(arrow.content).read_all().to_pydict() == {"device_id": ["b-1"] * 3, "seq": [0, 1, 2]}
    assert world.ask(asked, accept="image/png").status_code == 406
    assert world.ask("SELECT [1] AS a", accept="text/csv").status_code == 400


def test_wrong_sql_is_told_without_a_word_of_where_the_lake_lies(world: World) -> None:
    for sql in ("selec 1", "SELECT wter FROM silver.boiler", "SELECT device_id::INT FROM silver.boiler", "SELECT error('x')"):
        answer = world.ask(sql)
        assert (answer.status_code, answer.json()["code"]) == (400, "ValidationException")
        assert "\n" not in answer.json()["detail"]
        assert str(world.lake.platform.settings.home) not in answer.text


def test_a_file_that_is_gone_is_the_services_trouble_and_its_place_is_not_told(world: World) -> None:
    for file in (world.lake.platform.settings.home / "lake").rglob("silver/boiler/data/**/*.parquet"):
        file.unlink()
    for user in ("otto", "ada"):
        answer = world.ask("SELECT max(water) FROM silver.boiler", user)
        assert (answer.status_code, answer.json()["code"]) == (503, "ServiceUnavailableException")
        assert ".parquet" not in answer.text


def test_a_lake_of_which_nothing_is_made_yet_is_empty(tmp_path: Path) -> None:
    fresh = World(tmp_path / "fresh")
    assert fresh.ask("SELECT count(*) FROM silver.boiler").json()["rows"] == [[0]]


def test_so_many_at_once_and_no_more(world: World) -> None:
    lake = world.services.telemetry.lake
    lake.limits = Limits(seconds=2)
    endless = "SELECT sum(hash(r)) FROM range(1000000000000) t(r)"
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(world.ask, endless, "otto") for _ in range(4)]
        statuses = sorted(answer.result().status_code for answer in answers)
    assert statuses == [408, 408, 429, 429]
    assert world.ask("SELECT 1", "otto").status_code == 200


def test_a_device_asks_for_its_telemetry_and_not_the_lake(world: World) -> None:
    answer = world.ask("SELECT 1", "b-1")
    assert (answer.status_code, answer.json()["code"]) == (403, "AccessDeniedException")


def test_without_a_token_nobody_asks(world: World) -> None:
    assert world.client.post("/api/v1/lake/query", json={"sql": "SELECT 1"}).status_code == 401
