"""Depth, age and refusals, as the status shows them."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lake.signals import read_signals
from tests.lake.small_lake import NOON, SmallLake


def test_of_a_lake_without_a_cloud_only_the_refusals_are_known(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.put_bronze([lake.reading(seq=seq) for seq in range(3)])
    lake.put_quarantined(b"{")
    found = read_signals(lake.platform, NOON + timedelta(minutes=5))
    assert (found.depth, found.oldest_seconds) == (None, None)
    assert found.refused == {"not_json": 0.25}


def test_refusals_are_of_the_last_24_hours_alone(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.put_bronze([lake.reading(seq=seq) for seq in range(1000)], NOON - timedelta(hours=30))
    lake.put_bronze([lake.reading(seq=seq) for seq in range(6)], NOON - timedelta(hours=20))
    lake.put_quarantined(b"{")
    lake.put_quarantined(b"[1]", reason="not_an_object")
    old = lake.put_quarantined(b"[")
    (file,) = (
        file for file in lake.platform.object_folder.rglob("*.parquet") if old in pq.read_table(file).to_pydict().get("quarantine_id", [])
    )
    yesterday = (NOON - timedelta(hours=26)).timestamp()
    os.utime(file, (yesterday, yesterday))
    assert read_signals(lake.platform, NOON).refused == {"not_json": 0.125, "not_an_object": 0.125}
    assert read_signals(lake.platform, NOON + timedelta(days=3)).refused == {}


def test_what_a_replay_put_has_not_arrived_again(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.put_bronze([lake.reading(seq=seq) for seq in range(6)], NOON - timedelta(minutes=5))
    ids = [lake.put_quarantined(b"%d" % number, reason="out_of_range") for number in range(2)]
    assert read_signals(lake.platform, NOON).refused == {"out_of_range": 0.25}
    # One of them passes now; of the other, a pack, a reading passes and one is refused by itself.
    passed = [lake.reading(seq=10), lake.reading(seq=11)]
    lake.put_bronze(passed)
    again = lake.put_quarantined(b"a part", reason="missing")
    lake.put_replayed(ids[0], b"0", event_id=passed[0]["event_id"])
    lake.put_replayed(ids[1], b"1", event_id=passed[1]["event_id"])
    lake.put_replayed(ids[1], b"a part", refused_id=again)
    assert read_signals(lake.platform, NOON).refused == {"out_of_range": 0.25}


def test_a_refused_reading_that_a_device_sends_again_after_its_replay_is_an_arrival(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    identity, row = lake.put_quarantined(b"0", reason="out_of_range"), lake.reading(seq=1)
    lake.put_replayed(identity, b"0", event_id=row["event_id"])
    lake.put_bronze([row])
    # Beside others in the same hour, and alone an hour later.
    lake.put_bronze([row, lake.reading(seq=2)])
    lake.put_bronze([row], NOON + timedelta(hours=1))
    assert read_signals(lake.platform, NOON + timedelta(hours=1)).refused == {"out_of_range": 0.25}


class CloudWatch:
    """What CloudWatch and SQS know of two queues with messages and one that was emptied; in any order of time."""

    def __init__(self, values: dict[str, list[tuple[int, float]]]) -> None:
        self.values = values

    def get_metric_data(self, MetricDataQueries: list[Any], StartTime: datetime, EndTime: datetime) -> Any:
        assert EndTime - StartTime < timedelta(hours=1)
        results = []
        for query in MetricDataQueries:
            points = self.values.get(query["MetricStat"]["Metric"]["Dimensions"][0]["Value"], [])
            stamps = [NOON + timedelta(minutes=minute) for minute, _ in points]
            results.append({"Id": query["Id"], "Timestamps": stamps, "Values": [value for _, value in points]})
        return {"MetricDataResults": results}

    def get_queue_url(self, QueueName: str) -> Any:
        return {"QueueUrl": QueueName}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:
        return {"Attributes": {"ApproximateNumberOfMessages": "0" if "dead" in QueueUrl else "3"}}


def test_the_age_of_what_waits_is_the_queues_own_and_no_worker_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = SmallLake(tmp_path)
    names = lake.platform.settings
    # Of a worker that died long ago.
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / "worker.json").write_text(json.dumps({"oldest_sent": 1.0, "at": 2.0}))
    known = {names.telemetry_queue: [(3, 95.0), (2, 35.0)], names.dead_letter_queue: [(3, 700.0)]}
    monkeypatch.setattr(lake.platform, "client", lambda service: CloudWatch(known))
    assert read_signals(lake.platform, NOON + timedelta(minutes=4)).oldest_seconds == {"telemetry": 95.0}


def test_lags_count_from_the_rule_to_bronze_and_to_silver(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    assert read_signals(lake.platform).lags == {}
    # The rule saw reading n at minute n + 1, and all were put at minute 101 and visible at minute 111.
    rows = [lake.reading(seq=seq) for seq in range(100)]
    key = lake.put_bronze(rows)
    put_at = datetime(2026, 3, 1, 13, 41, tzinfo=UTC).timestamp()
    os.utime(lake.platform.object_folder / key, (put_at, put_at))
    found = read_signals(lake.platform).lags
    assert (list(found), found["bronze"].readings) == (["bronze"], 100)
    assert [found["bronze"].p50, found["bronze"].p99] == pytest.approx([50.5 * 60, 99.01 * 60])

    lake.plan("r.1", [key])
    lake.publish(rows, "r.1", 111)
    assert read_signals(lake.platform).lags["silver"].p50 == pytest.approx(60.5 * 60)


def test_the_newest_visible_run_counts_for_silver_and_a_planned_one_does_not(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    for run, seq, minute in (("r.1", 0, 500), ("r.2", 10, 20), ("r.3", 11, None)):
        row = lake.reading(seq=seq)
        lake.plan(run, [lake.put_bronze([row])])
        if minute:
            lake.publish([row], run, minute)
    # r.1 became visible last, 499 minutes after the rule.
    assert read_signals(lake.platform).lags["silver"].p50 == pytest.approx(499 * 60)


def test_what_a_replay_put_is_in_no_lag(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    arrived, replayed = lake.reading(seq=0), lake.reading(seq=1)
    first, second = lake.put_bronze([arrived]), lake.put_bronze([replayed])
    # Both received within two minutes after noon; the one put at minute 11, the other by a replay a thousand minutes after noon.
    for key, minute in ((first, 11), (second, 1000)):
        at = (NOON + timedelta(minutes=minute)).timestamp()
        os.utime(lake.platform.object_folder / key, (at, at))
    identity = lake.put_quarantined(b"1", reason="out_of_range")
    lake.put_replayed(identity, b"1", event_id=replayed["event_id"])
    lake.plan("r.1", [first])
    lake.publish([arrived], "r.1", 21)
    lake.plan("r.2", [second])
    lake.publish([replayed], "r.2", 1010)
    found = read_signals(lake.platform).lags
    assert {hop: (lag.readings, lag.p50, lag.p99) for hop, lag in found.items()} == {"bronze": (1, 600, 600), "silver": (1, 1200, 1200)}
