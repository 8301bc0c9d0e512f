"""Gaps by cadence and by count, on a lake written by hand."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lake.gaps import find, heard
from runtime.clock import FixedClock
from runtime.errors import UserError
from tests.lake.small_lake import SmallLake, moment


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    """Cadence 60 s: more than 90 s apart is a gap."""
    return SmallLake(tmp_path / "home")


def found(
    lake: SmallLake, until: float = 60, first: float = 0, now: float = 1_000, **asked: Any
) -> list[tuple[str, float, float | None, str, int | None]]:
    """Device, minute of begin, minute of end, kind, lost; what has not ended is left out unless it is all that is asked for."""
    gaps = find(lake.platform, lake.boiler, moment(first), moment(until), clock=FixedClock(moment(now)), **asked)
    return [(gap.device_id, _minute(gap.begins), None if gap.ends is None else _minute(gap.ends), str(gap.kind), gap.lost) for gap in gaps]


def _minute(at: datetime) -> float:
    return (at - moment(0)).total_seconds() / 60


def readings(lake: SmallLake, *seen: tuple[float, int, str], device: str = "b-1") -> list[dict[str, Any]]:
    """Of minute, seq and boot."""
    return [
        lake.reading(device, number, boot=boot) | {"event_time": moment(minute), "seq": seq, "event_id": f"{device}{number}"}
        for number, (minute, seq, boot) in enumerate(seen)
    ]


def test_the_count_tells_lost_readings_from_a_silent_device_and_from_a_restart(lake: SmallLake) -> None:
    lake.publish(readings(lake, (0, 0, "x"), (1, 1, "x"), (5, 5, "x"), (9, 6, "x"), (20, 3, "y"), (21, 4, "y")), "r.1", 30)
    assert found(lake, until=22) == [
        ("b-1", 1, 5, "lost", 3),
        ("b-1", 5, 9, "silent", 0),
        ("b-1", 9, 20, "restarted", 3),
    ]


def test_a_missing_count_is_a_gap_although_the_time_between_is_short(lake: SmallLake) -> None:
    lake.publish(readings(lake, (0, 0, "x"), (1, 2, "x"), (2, 3, "x")), "r.1", 30)
    assert found(lake, until=3) == [("b-1", 0, 1, "lost", 1)]


def test_one_and_a_half_cadences_is_no_gap(lake: SmallLake) -> None:
    lake.publish(readings(lake, (0, 0, "x"), (1.5, 1, "x"), (3.01, 2, "x")), "r.1", 30)
    assert found(lake, until=4) == [("b-1", 1.5, 3.01, "silent", 0)]


def test_a_device_that_has_not_come_back_has_a_gap_without_end(lake: SmallLake) -> None:
    lake.publish(readings(lake, (0, 0, "x")), "r.1", 30)
    lake.publish(readings(lake, (59, 0, "x"), device="b-2"), "r.2", 31)
    assert found(lake) == [("b-1", 0, None, "silent", None)]


def test_a_gap_that_began_before_the_time_looked_at_counts_and_one_that_ended_before_does_not(lake: SmallLake) -> None:
    lake.publish(readings(lake, (0, 0, "x"), (5, 1, "x"), (20, 2, "x"), (21, 3, "x")), "r.1", 30)
    assert found(lake, first=10, until=22) == [("b-1", 5, 20, "silent", 0)]
    a_week = 7 * 24 * 60
    assert found(lake, first=a_week, until=a_week + 60, now=a_week + 60) == [("b-1", 21, None, "silent", None)]
    assert found(lake, first=5 * a_week, until=5 * a_week + 60, now=5 * a_week + 60) == []


def test_where_nobody_was_heard_there_is_nothing_to_miss(lake: SmallLake) -> None:
    lake.publish(readings(lake, (0, 0, "x"), (1, 1, "x")), "r.1", 30)
    looked = (lake.platform, lake.boiler, moment(10), moment(20))
    assert (heard(*looked), heard(*looked, device="b-1"), heard(*looked, device="b-2")) == (1, 1, 0)


def test_one_device_can_be_asked_for_and_an_earlier_knowledge(lake: SmallLake) -> None:
    lake.publish(readings(lake, (0, 0, "x"), (4, 4, "x")), "r.1", 30)
    late = [row | {"event_id": f"late{row['event_id']}"} for row in readings(lake, (1, 1, "x"), (2, 2, "x"), (3, 3, "x"))]
    lake.publish(late, "r.2", 40)
    assert found(lake, until=5) == []
    assert found(lake, until=5, as_of=moment(35)) == [("b-1", 0, 4, "lost", 3)]
    assert found(lake, until=5, as_of=moment(35), device="b-2") == []


def test_readings_without_a_count_have_gaps_by_time_alone(lake: SmallLake) -> None:
    rows = [row | {"boot": None, "seq": None} for row in readings(lake, (0, 0, "x"), (4, 4, "x"))]
    lake.publish(rows, "r.1", 30)
    assert found(lake, until=5) == [("b-1", 0, 4, "silent", None)]


def test_a_time_that_does_not_go_forward_is_refused(lake: SmallLake) -> None:
    with pytest.raises(UserError, match="gaps of boiler: nothing lies between"):
        find(lake.platform, lake.boiler, moment(5), moment(5), clock=FixedClock(moment(9)))
