"""What the benchmark of increments counts, by an event log as Spark writes it, and the readings that it makes."""

import json
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.increment import _LATE_DAYS, counted, steps_of


def test_rows_are_those_of_a_groups_own_tasks(tmp_path: Path) -> None:
    def task(stage: int, read: int, written: int) -> dict[str, object]:
        metrics = {"Input Metrics": {"Records Read": read}, "Output Metrics": {"Records Written": written}}
        return {"Event": "SparkListenerTaskEnd", "Stage ID": stage, "Task Metrics": metrics}

    def job(group: str | None, *stages: int) -> dict[str, object]:
        properties = {"spark.jobGroup.id": group} if group else {}
        return {"Event": "SparkListenerJobStart", "Stage IDs": stages, "Properties": properties}

    events = [
        {"Event": "SparkListenerLogStart", "Spark Version": "4.1.1"},
        *(job("full silver", 0, 1), task(0, 100, 0), task(1, 0, 7), task(1, 5, 8)),
        *(job("newest silver", 2), task(2, 9, 1), {"Event": "SparkListenerTaskEnd", "Stage ID": 2}),
        *(job(None, 3), task(3, 1000, 1000)),
    ]
    (tmp_path / "local-1").write_text("".join(json.dumps(event) + "\n" for event in events))
    found = counted(tmp_path)
    assert found["full silver"] == (105, 15)
    assert found["newest silver"] == (9, 1)


def test_the_newest_day_and_what_comes_late_are_a_hundredth_each() -> None:
    rows = {name: [table["event_id"].to_pylist() for table in tables] for name, tables in steps_of(7)}
    sizes = {name: sum(map(len, tables)) for name, tables in rows.items()}
    a_day = 7 * 288
    assert (sizes["full"], sizes["newest"]) == (99 * a_day, a_day)
    assert sizes["scattered"] == a_day
    every = [identity for tables in rows.values() for table in tables for identity in table]
    assert len(set(every)) == len(every) == 101 * a_day
    late = dict(steps_of(7))["scattered"]
    days = [pc.unique(pc.strftime(table["event_time"], "%j")).to_pylist() for table in late]
    assert days == [[f"{day + 1:03d}"] for day in _LATE_DAYS]
