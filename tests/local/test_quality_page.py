"""The quality page: what it says is what the gate said and what people decided."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from lake.catalog import ensure_tables
from lake.contracts import load_contracts
from lake.publications import State, note
from lake.tables import OPS, silver
from local import quality_charts as charts
from local.quality_data import Decision, decisions, verdicts, worst
from local.quality_page import write_quality_page
from runtime.clock import FixedClock
from runtime.settings import REPOSITORY
from spark_jobs.quality_runs import CheckResult, Lenience, write_results
from tests.spark import FolderPlatform, folder_platform

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PUMP = load_contracts(REPOSITORY / "contracts")["pump"]
WHOLE = CheckResult("completeness", None, True, 0.98, 0.7, 0, (), "completeness: 0.98 arrived")
IDLE = CheckResult("volume", None, True, None, 5.0, 0, (), "volume: there is nothing to judge")


HELD = "r2.1 is held by the quality gate: stuck: 9 readings of pump-7"


def hour(count: int) -> datetime:
    return NOON + timedelta(hours=count)


def stuck(device: str, readings: int) -> CheckResult:
    failures = tuple({"device_id": device, "event_time": NOON + timedelta(minutes=place), "value": 5.5} for place in range(readings))
    return CheckResult("stuck", "pressure_bar", False, readings, 0, readings, (), f"stuck: {readings} readings of {device}", failures)


@pytest.fixture
def platform(tmp_path: Path) -> FolderPlatform:
    """Six hourly runs: sound, accepted, warned, refused, held, and one of long ago."""
    made = folder_platform(tmp_path / "home")
    ensure_tables(made, OPS)
    judge(made, "old.1", -90 * 24, [WHOLE], State.VISIBLE)
    judge(made, "r1.1", 0, [WHOLE, IDLE], State.VISIBLE)
    judge(made, "r2.1", 1, [WHOLE, stuck("pump-7", 9)], State.HELD, why=HELD)
    judge(
        made, "a.1", 2, [WHOLE, stuck("pump-7", 9)], State.VISIBLE, waived={"stuck:pressure_bar"}, why="the valve was shut", related="r2.1"
    )
    judge(made, "r3.1", 3, [WHOLE, stuck("pump-8", 2)], State.HELD, why="r3.1 is held: stuck")
    decide(made, "r3.1", 4, State.REFUSED, why="<b>water</b> in it")
    judge(made, "r4.1", 5, [stuck("pump-9", 1)], State.HELD, why="r4.1 is held: stuck")
    judge(made, "r5.1", 6, [stuck("pump-7", 3)], State.VISIBLE, warn={"stuck"})
    return made


def judge(
    platform: FolderPlatform,
    run: str,
    hour: int,
    results: list[CheckResult],
    state: State,
    waived: set[str] | None = None,
    warn: set[str] | None = None,
    why: str | None = None,
    related: str | None = None,
) -> None:
    lenience = Lenience(frozenset(waived or ()), frozenset(warn or ()))
    write_results(platform, run, "pump", results, lenience, NOON + timedelta(hours=hour))
    decide(platform, run, hour, state, why, related)


def decide(platform: FolderPlatform, run: str, hour: int, state: State, why: str | None, related: str | None = None) -> None:
    who = "ann" if related or state is State.REFUSED else None
    note(
        platform,
        FixedClock(NOON + timedelta(hours=hour)),
        run,
        silver(PUMP),
        "pump",
        state,
        snapshot_id=1,
        why=why,
        who=who,
        related_run=related,
    )


def test_every_run_that_was_ever_held_is_listed_with_what_became_of_it(platform: FolderPlatform) -> None:
    assert decisions(platform, "pump", hour(0)) == [
        Decision("r4.1", hour(5), "r4.1 is held: stuck", State.HELD),
        Decision("r3.1", hour(3), "r3.1 is held: stuck", State.REFUSED, hour(4), "ann", "<b>water</b> in it"),
        Decision("r2.1", hour(1), HELD, State.ACCEPTED, hour(2), "ann", "the valve was shut", "a.1"),
    ]


def test_what_was_decided_before_the_time_asked_for_is_left_out_and_what_waits_is_not(platform: FolderPlatform) -> None:
    assert [decision.run_id for decision in decisions(platform, "pump", hour(2))] == ["r4.1", "r3.1"]
    assert [decision.run_id for decision in decisions(platform, "pump", hour(100))] == ["r4.1"]


def test_the_devices_behind_it_are_named_by_how_many_runs_they_failed(platform: FolderPlatform) -> None:
    found = worst(platform, "pump", NOON)
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("pump-7", "stuck of pressure_bar", 3, 21),
        ("pump-8", "stuck of pressure_bar", 1, 2),
        ("pump-9", "stuck of pressure_bar", 1, 1),
    ]


def test_the_page_counts_names_and_quotes_safely(platform: FolderPlatform) -> None:
    clock = FixedClock(NOON + timedelta(hours=7))
    page = write_quality_page(platform, ["environment", "pump"], 30, clock=clock).read_text()
    body = page.split("<body>")[1]
    assert "1 held run waits for a person" in body
    facts = {name: value for value, name in re.findall(r"<b>([\d,]+)</b><span>([^<]+)</span>", body.split('id="pump"')[1])}
    assert facts == {"runs judged": "6", "failed": "3", "with warnings": "1", "held now": "1", "accepted": "1", "refused": "1"}
    assert "fleetlake quality accept|refuse r4.1" in body
    assert "by ann in run a.1: the valve was shut" in body
    assert "&lt;b&gt;water&lt;/b&gt; in it" in body
    assert "<b>water" not in page
    assert "No run was judged in this time." in body.split('id="pump"')[0]
    assert not re.search(r"<script[^>]+src|<link[^>]+href=\"http", page)


def test_the_trend_has_a_picture_for_each_check_of_the_table_with_what_is_allowed(platform: FolderPlatform) -> None:
    frame = verdicts(platform, "pump", NOON - timedelta(days=1))
    seen, allowed = charts.trend(frame).data
    assert (list(seen.y), list(allowed.y)) == ([0.98] * 4, [0.7] * 4)


def test_the_history_has_a_row_for_each_check_and_a_column_for_each_run(platform: FolderPlatform) -> None:
    frame = verdicts(platform, "pump", NOON - timedelta(days=1))
    heat = charts.checks(frame).data[0]
    assert list(heat.y) == ["completeness", "stuck of pressure_bar", "volume"]
    assert len(heat.x) == 6
    statuses = ["not judged", "passed", "waived", "warned", "failed"]
    stops = [stop for stop, _ in heat.colorscale]
    # Else the browser takes colours of its own, and a sound fleet is blue.
    assert (stops[0], stops[-1], stops) == (0, 1, sorted(stops))
    assert [color for _, color in heat.colorscale][::2] == [mark.marker.color for mark in charts.checks(frame).data[1:]]
    named = [[None if pd.isna(code) else statuses[int(code)] for code in row] for row in heat.z]
    assert named == [
        ["passed", "passed", "passed", "passed", None, None],
        [None, "failed", "waived", "failed", "failed", "warned"],
        ["not judged", None, None, None, None, None],
    ]
