"""The benchmark of growth runs each job over what it says, and does not take a job that made less for a quick one."""

import dataclasses

import pytest

from benchmarks import growth
from benchmarks.growth import JOBS, Cost, costs, further, table
from benchmarks.weigh import Weight
from spark_jobs.session import SparkLake


@pytest.mark.spark
def test_each_job_makes_the_rows_of_all_the_readings(spark_lake: SparkLake) -> None:
    found = list(costs(spark_lake, devices=2, days=2))
    rows = {"silver": 1152, "gold_hourly": 96, "gold_device_daily": 4, "features": 1152}
    assert {cost.job: cost.rows for cost in found} == rows
    assert {cost.readings for cost in found} == {1152}
    assert all(cost.weight.cpu > 0 and cost.weight.seconds > 0 and cost.weight.memory > 100 << 20 for cost in found)


@pytest.mark.spark
def test_a_job_that_makes_nothing_is_not_measured(spark_lake: SparkLake, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = dataclasses.replace(JOBS[0], run=lambda *_: None)
    monkeypatch.setattr(growth, "JOBS", (idle,))
    with pytest.raises(AssertionError, match="silver made 0 rows"):
        list(costs(spark_lake, devices=1, days=1))


def test_what_further_readings_cost_leaves_out_what_every_run_costs() -> None:
    def cost(readings: int, cpu: float) -> Cost:
        return Cost("silver", readings, readings, Weight(seconds=2 * cpu, cpu=cpu, memory=1_500_000_000))

    sizes = [cost(10_000, 6.0), cost(100_000, 15.0), cost(1_000_000, 105.0)]
    assert further(sizes[1], sizes[0]) == pytest.approx(0.0001)
    lines = [line for line in table([cost(10_000, 30.0)], sizes).splitlines() if line.startswith("| silver")]
    assert lines == [
        "| silver | 10,000, cold | 10,000 | 60.0 | 30.0 | 1,500 | 333 | 3,000 |  |",
        "| silver | 10,000 | 10,000 | 12.0 | 6.0 | 1,500 | 1,667 | 600 |  |",
        "| silver | 100,000 | 100,000 | 30.0 | 15.0 | 1,500 | 6,667 | 150 | 100 |",
        "| silver | 1,000,000 | 1,000,000 | 210.0 | 105.0 | 1,500 | 9,524 | 105 | 100 |",
    ]
