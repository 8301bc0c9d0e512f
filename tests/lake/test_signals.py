"""Depth, age and refusals, as the status shows them."""

import json
import time
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
    assert list(found.refused.values()) == [0.25]


def test_the_worker_tells_how_old_the_oldest_message_in_its_hand_is(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / "worker.json").write_text(json.dumps({"oldest_sent": time.time() - 40}))
    assert read_signals(lake.platform).oldest_seconds == pytest.approx(40, abs=5)
