"""When the fleet of a demo lives."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.demo import free_until
from local.simulator.plan import Plan
from local.truth import Truth, truth_file

NOW = datetime(2026, 3, 9, 10, 5, tzinfo=UTC)


def sent(home: Path, run: str, start: datetime) -> Path:
    file = truth_file(home, run)
    with Truth(file, run, Plan({"pump": 3}, start, start + timedelta(days=5)).described()):
        pass
    return file


def test_the_first_fleet_lives_up_to_now() -> None:
    assert free_until(NOW, []) == NOW


def test_a_further_fleet_lives_a_day_before_the_oldest(tmp_path: Path) -> None:
    files = [sent(tmp_path, "b", NOW - timedelta(days=2)), sent(tmp_path, "a", NOW - timedelta(days=7))]
    assert free_until(NOW + timedelta(hours=3), files) == datetime(2026, 3, 1, 9, 5, tzinfo=UTC)


def test_recorded_data_that_was_replayed_leaves_it_where_it_is(tmp_path: Path) -> None:
    file = truth_file(tmp_path, "r")
    with Truth(file, "r", {"command": "replay"}):
        pass
    assert free_until(NOW, [file]) == NOW
