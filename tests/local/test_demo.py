"""When the fleet of a demo lives."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.demo import fleet_number, fleet_prefix, free_until
from local.simulator.plan import Plan
from local.truth import Truth, truth_file
from runtime.errors import UserError

NOW = datetime(2026, 3, 9, 10, 5, tzinfo=UTC)


def sent(home: Path, run: str, start: datetime = NOW, prefix: str = "") -> Path:
    file = truth_file(home, run)
    with Truth(file, run, Plan({"pump": 3}, start, start + timedelta(days=5), prefix=prefix).described()):
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


def test_a_demo_after_one_that_was_interrupted_has_a_fleet_of_its_own(tmp_path: Path) -> None:
    files: list[Path] = []
    used: list[str] = []
    # So many slices of two each demo came to send.
    for demo, slices in enumerate([1, 1, 2, 0, 1]):
        prefix = fleet_prefix(fleet_number(files))
        used += [prefix] * min(slices, 1)
        files += [sent(tmp_path, f"{demo}-{number}", prefix=prefix) for number in range(slices)]
    assert used == ["", "fleet2-", "fleet3-", "fleet4-"]


def test_a_truth_file_whose_first_line_was_cut_short_tells_of_no_fleet(tmp_path: Path) -> None:
    for name, text in (("empty", b""), ("cut", b'{"kind": "run", "pl')):
        (tmp_path / name).write_bytes(text)
    assert fleet_number([tmp_path / "empty", tmp_path / "cut"]) == 1


@pytest.mark.parametrize("text", ["no JSON", "7", '{"kind": "run", "plan": 7}'])
def test_a_file_that_is_no_truth_file_is_named_before_anything_is_sent(tmp_path: Path, text: str) -> None:
    file = tmp_path / "notes.jsonl"
    file.write_text(f"{text}\n")
    with pytest.raises(UserError, match=r"notes\.jsonl: line 1 is not what the simulator writes; move the file out of"):
        fleet_number([file])
