"""What arrived with a run, and the days before it, without Spark."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lake.contracts import Field
from lake.layout import bronze_object
from lake.quarantine import Quarantined, put_quarantined
from lake.quarantine_rows import Part, Selection, put_replayed, read_rows
from lake.reasons import Reason
from spark_jobs.quality_arrivals import Span, around, arrival_spans, quarantined
from tests.spark import folder_platform
from tests.spark_jobs.gate_rows import contract

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def minute(count: int) -> datetime:
    return NOON + timedelta(minutes=count)


def test_readings_received_within_two_cadences_were_received_in_one_go() -> None:
    # Ten minutes a cadence; the third comes 21 minutes after the end of the second one's minute.
    received = [minute(0), minute(20), minute(42)]
    assert arrival_spans(contract(), received) == [(minute(0), minute(21)), (minute(42), minute(43))]


def test_events_without_a_cadence_are_received_in_one_go_within_ten_minutes() -> None:
    event = contract(Field("cycle", "int64"), cadence=None)
    assert len(arrival_spans(event, [minute(0), minute(11), minute(23)])) == 2


def test_what_was_replayed_is_not_quarantined_beside_the_run_s_readings(tmp_path: Path) -> None:
    platform, of = folder_platform(tmp_path), contract()
    refused = [
        Quarantined(of.name, "p-1", f"dt/fleetlake/p-1/{of.name}", content, 0, Reason.OUT_OF_RANGE, "", received_at=NOON)
        for content in (b"1", b"2", b"3")
    ]
    put_quarantined(platform, refused, NOON, [of.name])
    objects, spans = [bronze_object(of.name, NOON, "0" * 64)], [(minute(-1), minute(1))]
    assert quarantined(platform, of, objects, spans) == {"out_of_range": 3}
    gone = next(stored for stored in read_rows(platform, Selection(of.name)) if stored.row.content == b"2")
    put_replayed(platform, [Part(gone, b"2", 2, event_id="e" * 32)], minute(5))
    assert quarantined(platform, of, objects, spans) == {"out_of_range": 2}


def hours_read(*touched: datetime) -> list[tuple[float, float]]:
    """Hours after NOON from which to which rows are read for a run of these hours, at a cadence of ten minutes."""
    span = Span(1, min(touched), max(touched), frozenset(touched), frozenset())
    return [((since - NOON) / timedelta(hours=1), (until - NOON) / timedelta(hours=1)) for since, until in around(contract(), span).spans]


def test_rows_are_read_from_a_day_before_each_touched_hour_to_two_hours_after_it() -> None:
    # A streak reaches 60 readings, ten hours, to either side.
    assert hours_read(NOON) == [(-24, 11)]
    assert hours_read(NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=40)) == [(-24, 51)]


def test_what_lies_between_scattered_hours_is_not_read() -> None:
    late = NOON + timedelta(days=14)
    assert hours_read(NOON, late) == [(-24, 11), (14 * 24 - 24, 14 * 24 + 11)]
    # A day or more between two spans, and the end of one is not taken for the neighbour of the other's beginning.
    assert len(hours_read(NOON, NOON + timedelta(hours=58))) == 1
    assert len(hours_read(NOON, NOON + timedelta(hours=59))) == 2
    condition = around(contract(), Span(2, NOON, late, frozenset({NOON, late}), frozenset())).condition
    assert condition.count(" OR ") == 1
    assert "event_time >= timestamp'2026-03-01 12:00:00' AND event_time < timestamp'2026-03-02 23:00:00'" in condition


def test_spans_are_parted_by_the_days_of_the_runs_own_rows() -> None:
    within = around(contract(), Span(1, NOON, NOON, frozenset({NOON}), frozenset()))
    midnight = NOON.replace(hour=0)
    assert within.on_days({NOON.date()}, are_these=True).spans == ((midnight, NOON + timedelta(hours=11)),)
    assert within.on_days({NOON.date()}, are_these=False).spans == ((NOON - timedelta(hours=24), midnight),)
    assert within.on_days(set(), are_these=True).condition == "false"
