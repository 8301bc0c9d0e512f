"""The gate as a silver run meets it: Great Expectations over a branch, verdicts in ops.quality_runs."""

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import Row

from lake.contracts import Contracts, Quality
from lake.quarantine import Quarantined, put_quarantined
from lake.reasons import Reason
from lake.tables import QUALITY_FAILURES, QUALITY_RUNS, silver
from runtime.errors import GateFailed
from spark_jobs import settle
from spark_jobs import silver as silver_job
from spark_jobs.quality_arrivals import Around, Span, rows_around
from spark_jobs.quality_runs import failed_or_waived
from spark_jobs.session import SparkLake
from tests.real_data import real_data
from tests.spark import NOON, FolderPlatform, at, compiled, put_bronze, reading, rows_of
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark

ROOMS = ("room-1", "room-2", "room-3", "room-4")
# Sent every five minutes, as the contract of the rooms says.
CADENCE = 5
CMAPSS_FIELDS = (
    "altitude_kft", "mach", "throttle_resolver_angle", "t2_fan_inlet", "t24_lpc_outlet", "t30_hpc_outlet", "t50_lpt_outlet", "p2_fan_inlet",
    "p15_bypass_duct", "p30_hpc_outlet", "physical_fan_speed", "physical_core_speed", "engine_pressure_ratio", "ps30_hpc_outlet",
    "fuel_flow_ratio", "corrected_fan_speed", "corrected_core_speed", "bypass_ratio", "burner_fuel_air_ratio", "bleed_enthalpy",
    "demanded_fan_speed", "demanded_corrected_fan_speed", "hpt_coolant_bleed", "lpt_coolant_bleed",
)  # fmt: skip


def room(lake: SparkLake, device_id: str, minutes: float, **changes: Any) -> dict[str, Any]:
    """A reading whose values all move from one to the next."""
    moving = {"temperature_celsius": 20 + minutes / 100, "humidity_percent": 40 + minutes / 100, "co2_ppm": 500 + minutes}
    return reading(lake.contracts["environment"], device_id, minutes, seq=int(minutes), **(moving | changes))


def rooms(lake: SparkLake, first: float, last: float, devices: tuple[str, ...] = ROOMS, **changes: Any) -> list[dict[str, Any]]:
    return [room(lake, device, minutes, **changes) for device in devices for minutes in range(int(first), int(last), CADENCE)]


def verdicts(lake: SparkLake, run_id: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    return {(row["check_name"], row["field"]): row for row in rows_of(lake, QUALITY_RUNS) if row["run_id"] == run_id}


def visible(lake: SparkLake) -> int:
    return len(rows_of(lake, silver(lake.contracts["environment"])))


def test_a_sound_run_passes_every_check_and_says_so(spark_lake: SparkLake) -> None:
    compiled(spark_lake)
    put_bronze(spark_lake, "environment", rooms(spark_lake, 0, 125))
    outcome = silver_job.run(spark_lake, "environment", "r1")
    assert outcome.run_id == "r1.1"
    rows = verdicts(spark_lake, "r1.1")
    assert {row["status"] for row in rows.values()} == {"passed"}
    # 12 readings an hour of four rooms, all of them there.
    assert (rows["completeness", None]["observed"], rows["completeness", None]["threshold"]) == (1.0, 0.7)
    assert {name for name, _ in rows} == {
        "unique_event_id",
        "quarantined_share",
        "completeness",
        "volume",
        "null_share",
        "null_rise",
        "stuck",
    }


def test_a_stuck_sensor_holds_the_run_and_is_named_with_its_rows(spark_lake: SparkLake) -> None:
    put_bronze(spark_lake, "environment", rooms(spark_lake, 0, 60))
    silver_job.run(spark_lake, "environment", "r1")
    stuck = rooms(spark_lake, 60, 240, ROOMS[:1], co2_ppm=777.0)
    put_bronze(spark_lake, "environment", [*stuck, *rooms(spark_lake, 60, 240, ROOMS[1:])])
    with pytest.raises(GateFailed, match=r"r2\.1 is held by the quality gate: stuck: 7 readings in which co2_ppm .* room-1 at 777 since"):
        silver_job.run(spark_lake, "environment", "r2")
    failed = verdicts(spark_lake, "r2.1")["stuck", "co2_ppm"]
    # 36 readings stand still; from the thirtieth on, seven, they are too many.
    assert (failed["status"], failed["observed"], failed["failing_rows"]) == ("failed", 7.0, 7)
    sample = json.loads(failed["sample"])
    assert [(row["device_id"], row["value"], row["since"]) for row in sample] == [("room-1", 777.0, "2026-03-02T13:00:00Z")]
    assert sample[0]["event_id"] == stuck[-1]["event_id"]
    assert visible(spark_lake) == 48
    rows = [row for row in rows_of(spark_lake, QUALITY_FAILURES) if row["run_id"] == "r2.1"]
    assert {row["event_id"]: row["value"] for row in rows} == {row["event_id"]: 777.0 for row in stuck[-7:]}
    assert {(row["check_name"], row["field"], row["device_id"], row["since"], row["readings"]) for row in rows} == {
        ("stuck", "co2_ppm", "room-1", NOON + timedelta(hours=1), 1)
    }
    (alarm,) = told(spark_lake)
    assert (alarm["kind"], alarm["contract"], alarm["run"]) == ("run_held", "environment", "r2.1")
    assert "room-1 at 777 since" in alarm["sentence"]


def test_a_silent_half_of_the_fleet_holds_the_run_and_is_named(spark_lake: SparkLake) -> None:
    put_bronze(spark_lake, "environment", [*rooms(spark_lake, 0, 60), *rooms(spark_lake, 60, 185, ROOMS[:2])])
    with pytest.raises(GateFailed, match=r"completeness: 0\.5 of the readings.*in 2 hours.*with 24 of 48, silent: room-3, room-4"):
        silver_job.run(spark_lake, "environment", "r1")
    failed = verdicts(spark_lake, "r1.1")["completeness", None]
    assert (failed["status"], failed["observed"], failed["failing_rows"]) == ("failed", 0.5, 48)
    assert visible(spark_lake) == 0
    hour = [row for row in rows_of(spark_lake, QUALITY_FAILURES) if row["event_time"] == NOON + timedelta(hours=1)]
    assert {(row["device_id"], row["readings"], row["detail"]) for row in hour} == {
        (None, 24, "24 of 48 readings arrived"),
        ("room-3", None, "less than half of its readings arrived"),
        ("room-4", None, "less than half of its readings arrived"),
    }


def test_what_a_contract_tolerates_is_published_and_what_only_warns_is_told(spark_lake: SparkLake) -> None:
    tolerant = Quality(max_stuck_share=0.1, completeness=0.9, warn=("completeness",))
    with_quality(spark_lake, "environment", tolerant)
    # room-1 falls silent after the first hour; room-2 stands still in its last 33 readings, of which the thirtieth to the last are too many.
    still = rooms(spark_lake, -35, 130, ("room-2",), co2_ppm=777.0)
    put_bronze(spark_lake, "environment", [*rooms(spark_lake, 0, 60, ("room-1",)), *still, *rooms(spark_lake, 0, 130, ROOMS[2:])])
    assert silver_job.run(spark_lake, "environment", "r1").run_id == "r1.1"
    rows_by_check = verdicts(spark_lake, "r1.1")
    stuck = rows_by_check["stuck", "co2_ppm"]
    assert (stuck["status"], stuck["threshold"], stuck["observed"]) == ("passed", 0.1, pytest.approx(4 / visible(spark_lake)))
    warned = rows_by_check["completeness", None]
    assert (warned["status"], warned["observed"]) == ("warned", 0.75)
    (alarm,) = told(spark_lake)
    assert (alarm["kind"], alarm["run"]) == ("run_warned", "r1.1")
    assert alarm["sentence"].startswith("completeness: 0.75 of the readings expected in an hour arrived")
    assert "silent: room-1" in alarm["sentence"]


def test_more_nulls_than_on_the_days_before_hold_the_run_and_are_listed(spark_lake: SparkLake) -> None:
    pump, minutes = spark_lake.contracts["pump"], range(0, 300, 5)
    days = [pumps(spark_lake, [day * 1440 + minute for minute in minutes], lambda place: place % 10 == 0) for day in range(8)]
    put_bronze(spark_lake, "pump", [row for day in days for row in day])
    silver_job.run(spark_lake, "pump", "r1", gate=passing)
    today = pumps(spark_lake, [8 * 1440 + minute for minute in minutes], lambda place: place % 2 == 0)
    put_bronze(spark_lake, "pump", today)
    with pytest.raises(GateFailed, match=r"null_rise: 0\.4 more of the values of flow_m3_h are null than was usual on the 14 days before"):
        silver_job.run(spark_lake, "pump", "r2")
    found = verdicts(spark_lake, "r2.1")["null_rise", "flow_m3_h"]
    assert (found["status"], found["threshold"], found["failing_rows"]) == ("failed", 0.2, 30)
    listed = [row for row in rows_of(spark_lake, QUALITY_FAILURES) if row["check_name"] == "null_rise"]
    assert {row["event_id"] for row in listed} == {row["event_id"] for row in today if row["flow_m3_h"] is None}
    assert {field.name for field in pump.fields if not field.required} == {"flow_m3_h"}


def pumps(lake: SparkLake, minutes: list[int], is_null: Callable[[int], bool]) -> list[dict[str, Any]]:
    """A pump whose values all move; of the readings that are chosen by their place the flow is null."""
    contract = lake.contracts["pump"]
    moving: list[dict[str, Any]] = [{field.name: 5 + minute % 97 / 50 for field in contract.numbers} for minute in minutes]
    return [
        reading(contract, "pump-1", minute, seq=minute, **(values | ({"flow_m3_h": None} if is_null(place) else {})))
        for place, (minute, values) in enumerate(zip(minutes, moving, strict=True))
    ]


def with_quality(lake: SparkLake, name: str, quality: Quality) -> None:
    lake.contracts = Contracts([dataclasses.replace(lake.contracts[name], quality=quality)])


def told(lake: SparkLake) -> list[dict[str, Any]]:
    assert isinstance(lake.platform, FolderPlatform)
    return lake.platform.alarms()


def test_readings_of_a_held_run_count_as_arrived_and_accepting_it_waives_just_what_failed(spark_lake: SparkLake) -> None:
    put_bronze(spark_lake, "environment", rooms(spark_lake, 0, 60))
    silver_job.run(spark_lake, "environment", "r1")
    # Half of the fleet in each object: without the held one the second would lack the other half.
    put_bronze(spark_lake, "environment", rooms(spark_lake, 60, 245, ROOMS[:2], co2_ppm=777.0))
    with pytest.raises(GateFailed):
        silver_job.run(spark_lake, "environment", "r2")
    put_bronze(spark_lake, "environment", rooms(spark_lake, 60, 245, ROOMS[2:]))
    assert silver_job.run(spark_lake, "environment", "r3").run_id == "r3.1"
    assert "stuck:co2_ppm" in failed_or_waived(spark_lake.platform, "r2.1")
    outcome = settle.accept(spark_lake, "environment", "a1", "r2.1", "the sensor was replaced", "ann")
    rows = verdicts(spark_lake, str(outcome.run_id))
    assert {key for key, row in rows.items() if row["status"] != "passed"} <= {("stuck", "co2_ppm"), ("completeness", None)}
    assert rows["stuck", "co2_ppm"]["status"] == "waived"
    assert visible(spark_lake) == 4 * 49


def test_readings_of_a_refused_run_count_as_arrived(spark_lake: SparkLake) -> None:
    put_bronze(spark_lake, "environment", rooms(spark_lake, 0, 245, co2_ppm=777.0))
    with pytest.raises(GateFailed):
        silver_job.run(spark_lake, "environment", "r1")
    settle.refuse(spark_lake, "environment", "f1", "r1.1", "all sensors were broken", "ann")
    put_bronze(spark_lake, "environment", [room(spark_lake, "room-1", 62), room(spark_lake, "room-1", 245)])
    assert silver_job.run(spark_lake, "environment", "r2").run_id == "r2.1"


def test_too_much_in_quarantine_holds_the_run(spark_lake: SparkLake) -> None:
    put_bronze(spark_lake, "environment", rooms(spark_lake, 0, 120))
    refused = [refused_message(place, at(place)) for place in range(32)]
    long_ago = [refused_message(place, at(-600)) for place in range(100, 200)]
    put_quarantined(spark_lake.platform, [*refused, *long_ago], at(1), spark_lake.contracts)
    # 96 readings and 32 refused in the same two hours: a quarter. What was refused ten hours before is another matter.
    with pytest.raises(GateFailed, match=r"quarantined_share: 0\.25 of what was received.*most 0\.2\), first not_json \(32 readings\)"):
        silver_job.run(spark_lake, "environment", "r1")
    failed = verdicts(spark_lake, "r1.1")["quarantined_share", None]
    assert (failed["failing_rows"], json.loads(failed["sample"])) == (32, [{"reason": "not_json", "readings": 32}])


@pytest.mark.parametrize("needs_ids", [False, True])
def test_ids_are_read_on_the_days_of_the_runs_rows_alone_unless_all_are_needed(spark_lake: SparkLake, needs_ids: bool) -> None:
    day = timedelta(days=1)
    rows = [Row(device_id="d", event_time=NOON + number * day / 2, event_id=f"e{number}") for number in range(-2, 3)]
    table = spark_lake.spark.createDataFrame(rows)
    span = Span(1, NOON, NOON, frozenset({NOON}), frozenset())
    found = rows_around(table, ["device_id", "event_time"], span, Around(((NOON - day, NOON + day),)), needs_ids)
    ids = ["e-2", "e-1", "e0", "e1"] if needs_ids else [None, "e-1", "e0", None]
    assert [row["event_id"] for row in found.orderBy("event_time").collect()] == ids


def test_few_readings_that_come_later_are_judged_with_all_that_were_received_in_their_minutes(spark_lake: SparkLake) -> None:
    """As after a replay: what was refused was refused of many, although the run brings few."""
    put_bronze(spark_lake, "environment", rooms(spark_lake, 0, 120))
    put_quarantined(spark_lake.platform, [refused_message(place, at(place)) for place in range(24)], at(1), spark_lake.contracts)
    assert silver_job.run(spark_lake, "environment", "r1").run_id == "r1.1"
    put_bronze(spark_lake, "environment", rooms(spark_lake, 0, 120, ("late-1", "late-2")))
    assert silver_job.run(spark_lake, "environment", "r2").run_id == "r2.1"
    # 96 readings of the first run, 48 of this one, 24 refused: by this run's alone it would be a third.
    assert verdicts(spark_lake, "r2.1")["quarantined_share", None]["observed"] == pytest.approx(24 / 168)


def refused_message(place: int, received_at: Any) -> Quarantined:
    topic = "dt/fleetlake/room-1/environment"
    return Quarantined("environment", "room-1", topic, f"{{{place}".encode(), None, Reason.NOT_JSON, "no JSON", received_at=received_at)


def test_the_c_mapss_engines_pass_without_a_person(spark_lake: SparkLake) -> None:
    engines = pd.read_parquet(real_data("cmapss") / "train_FD001.parquet")
    engines.columns = ["unit", "cycle", *CMAPSS_FIELDS]
    # The last cycles of all engines at one moment, ten minutes a cycle: as `replay` aligns them.
    left = engines.groupby("unit")["cycle"].transform("max") - engines["cycle"]
    contract = spark_lake.contracts["turbofan"]
    rows = [
        reading(contract, f"engine-{int(row['unit'])}", -10 * behind, seq=int(row["cycle"]))
        | {field.name: int(row[field.name]) if field.type == "int64" else float(row[field.name]) for field in contract.fields}
        for row, behind in zip(engines.to_dict("records"), left, strict=True)
    ]
    put_bronze(spark_lake, "turbofan", rows)
    began = pd.Timestamp.now()
    assert silver_job.run(spark_lake, "turbofan", "r1").run_id == "r1.1"
    assert pd.Timestamp.now() - began < timedelta(minutes=3)
    assert len(rows_of(spark_lake, silver(contract))) == 20_631
    found = verdicts(spark_lake, "r1.1")
    assert {row["status"] for row in found.values()} == {"passed"}
    assert found["completeness", None]["observed"] == 1.0
