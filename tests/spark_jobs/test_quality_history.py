"""What the days before a run say is usual: volumes by hand, and nulls by the manifests of a table that a job wrote."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from lake.tables import silver
from spark_jobs import silver as silver_job
from spark_jobs.quality_history import daily, null_rises, usual_null_shares, volume
from spark_jobs.session import SparkLake
from tests.spark import NOON, put_bronze, reading
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark
DAY = 24 * 60


def days(rows: list[int], devices: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"day": pd.date_range("2026-03-01", periods=len(rows)).date, "rows": rows, "devices": devices})


def judged(rows: list[int], devices: list[int]) -> pd.DataFrame:
    """As of a run of the last two days."""
    return volume(days(rows, devices), set(days(rows, devices)["day"][-2:]))


def ratio(last_whole: int, devices: int = 10, earlier: int = 7) -> float:
    """Of a day after `earlier` whole days of 1000 readings of ten devices; history's first day and the newest are not whole."""
    found = judged([300, *[1000] * earlier, last_whole, 5], [10, *[10] * earlier, devices, 10])
    return float(found["volume_ratio"].iloc[0])


def test_a_day_of_a_tenth_of_the_readings_has_a_volume_of_a_tenth() -> None:
    assert ratio(100) == pytest.approx(0.1)


def test_a_fleet_that_grows_tenfold_has_the_volume_it_should() -> None:
    assert ratio(10_000, devices=100) == pytest.approx(1)


def test_a_fleet_that_sends_tenfold_does_not() -> None:
    assert ratio(10_000) == pytest.approx(10)


def test_devices_that_join_late_in_the_day_do_not_lower_its_volume() -> None:
    # A hundred devices join with five readings each: 15 % of a device's day, one and a half of the fleet's.
    assert ratio(1500, devices=110) == pytest.approx(1.5)


def test_less_than_seven_days_are_no_history() -> None:
    assert judged([300, *[1000] * 6, 100, 5], [10] * 9).empty


def test_days_of_earlier_runs_are_not_judged_again() -> None:
    found = judged([300, *[1000] * 7, 100, 1000, 5], [10] * 11)
    assert [f"{day:%m-%d}" for day in found["day"]] == ["03-10"]


def grow(lake: SparkLake, nulls_of_day: dict[int, int], run: str = "r") -> None:
    """Ten readings of five pumps on each day after NOON's, of which so many have no flow."""
    pump = lake.contracts["pump"]
    rows: list[dict[str, Any]] = [
        reading(pump, f"pump-{place % 5}", day * DAY + place, seq=day * 100 + place, flow_m3_h=None if place < nulls else 4.0)
        for day, nulls in nulls_of_day.items()
        for place in range(10)
    ]
    put_bronze(lake, "pump", rows)
    silver_job.run(lake, "pump", run, gate=passing)


def usual(lake: SparkLake, day: int) -> dict[str, float]:
    return usual_null_shares(lake.platform, lake.contracts["pump"], (NOON + timedelta(days=day)).date())


def test_what_share_of_nulls_is_usual_is_the_median_day_of_the_two_weeks_before(spark_lake: SparkLake) -> None:
    grow(spark_lake, {0: 9, **dict.fromkeys(range(1, 9), 2), 9: 8})
    # A later commit of the same days has files of its own: 5 of 10 on the second day are 7 of 20 with the first.
    pump = spark_lake.contracts["pump"]
    put_bronze(
        spark_lake, "pump", [reading(pump, "pump-9", DAY + place, seq=place, flow_m3_h=None if place < 5 else 4.0) for place in range(10)]
    )
    silver_job.run(spark_lake, "pump", "later", gate=passing)
    # Days 0 to 8: 0.9, 0.35, and seven times 0.2; the day itself does not count.
    assert usual(spark_lake, 9) == {"flow_m3_h": pytest.approx(0.2)}
    # Days 2 to 9 alone lie within two weeks of day 16.
    assert usual(spark_lake, 16) == {"flow_m3_h": pytest.approx(0.2)}
    assert usual(spark_lake, 6) == {}, "six days are no history"
    assert usual(spark_lake, 24) == {}
    assert [
        (f"{row.day:%m-%d}", row.rows, row.devices) for row in daily(spark_lake.table(silver(pump)), date(2026, 3, 16)).limit(3).collect()
    ] == [
        ("03-02", 10, 5),
        ("03-03", 20, 6),
        ("03-04", 10, 5),
    ]


def test_a_share_that_is_usual_or_below_it_is_no_rise() -> None:
    assert null_rises({"flow": 0.5, "note": 0.1}, {"flow": 0.2, "note": 0.9}) == {
        "null_rise_flow": pytest.approx(0.3),
        "null_rise_note": 0.0,
    }
    assert null_rises({"flow": 0.5}, {}) == {}
