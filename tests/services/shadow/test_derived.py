"""What the platform reports of a device."""

from datetime import UTC, datetime

from services.shadow.derived import Life, reported

_AT = datetime(2026, 11, 29, 3, 17, 42, 500_000, tzinfo=UTC)


def test_what_is_known_is_reported_and_what_is_not_is_not_there() -> None:
    life = Life(87.26, 70.0, None, "rul", "3", _AT)
    assert reported({"turbofan": "online", "pump": "offline"}, life, _AT) == {
        "health": {"pump": "offline", "turbofan": "online"},
        "remaining_life": {"cycles": 87.3, "lower": 70.0, "model": "rul", "version": "3", "as_of": "2026-11-29T03:17:42Z"},
        "last_seen": "2026-11-29T03:10:00Z",
    }
    assert reported({}, None, None) == {}


def test_a_reading_more_within_ten_minutes_is_no_change() -> None:
    assert reported({}, None, _AT.replace(minute=10, second=0, microsecond=0)) == reported({}, None, _AT.replace(minute=19, second=59))
    assert reported({}, None, _AT.replace(minute=20, second=0, microsecond=0)) == {"last_seen": "2026-11-29T03:20:00Z"}
