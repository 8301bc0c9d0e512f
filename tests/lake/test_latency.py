"""How long readings take from the device to each place."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.latency import latencies
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake


def test_seconds_count_from_the_first_sending_to_the_rule_to_bronze_and_to_silver(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    truth = HandTruth(tmp_path / "t.jsonl")
    row = lake.reading(seq=0)
    truth.sent(row)  # at 12:00:00.5
    key = lake.put_bronze([row | {"received_at": datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)}])
    put_at = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC).timestamp()
    os.utime(lake.platform.object_folder / key, (put_at, put_at))
    lake.publish([row], "r.1", 1)
    found = {latency.stage: latency for latency in latencies(lake.platform, [truth.file])}
    assert {stage: latency.quantile(0.5) for stage, latency in found.items()} == pytest.approx({"rule": 0.5, "bronze": 2.5, "silver": 59.5})
    assert found["rule"].readings == 1


def test_without_truth_nobody_knows(tmp_path: Path) -> None:
    assert latencies(SmallLake(tmp_path).platform, []) == []
    assert latencies(SmallLake(tmp_path / "other").platform, [tmp_path / "absent.jsonl"]) == []
