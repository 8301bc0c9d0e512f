"""Depth, age and refusals, as the status shows them."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lake.signals import read_signals
from tests.lake.small_lake import SmallLake


def test_of_a_lake_without_a_cloud_only_the_refusals_are_known(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.put_bronze([lake.reading(seq=seq) for seq in range(3)])
    lake.put_quarantined(b"{")
    found = read_signals(lake.platform)
    assert (found.depth, found.oldest_seconds) == (None, None)
    assert found.refused == {"not_json": 0.25}


def test_the_worker_tells_how_old_the_oldest_message_in_its_hand_is(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / "worker.json").write_text(json.dumps({"oldest_sent": time.time() - 40}))
    assert read_signals(lake.platform).oldest_seconds == pytest.approx(40, abs=5)


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
