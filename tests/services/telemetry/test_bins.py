"""Statistics of bins, against pandas."""

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.timeseries import Point
from services.telemetry.bins import fold, start_of

START = datetime(2026, 3, 1, tzinfo=UTC)
readings = st.lists(
    st.tuples(st.integers(0, 7_200_000), st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-100, 100))),
    max_size=40,
    unique_by=lambda r: r[0],
)


@settings(max_examples=40, deadline=None)
@given(readings, st.sampled_from([1, 7, 60, 900, 3_600, 86_400]))
def test_bins_are_what_pandas_makes_of_the_same_readings(rows: list[tuple[int, float | None]], width: int) -> None:
    points = [
        Point("boiler", "b-1", START + timedelta(milliseconds=ms), {} if value is None else {"x": value}) for ms, value in sorted(rows)
    ]
    bins = fold(points, ["x"], width)
    frame = pd.DataFrame({"at": pd.DatetimeIndex([p.time for p in points], tz=UTC), "x": [p.measures.get("x") for p in points]})
    grouped = frame.astype({"x": float}).groupby(frame["at"].dt.floor(f"{width}s") if len(frame) else "at")["x"]
    expected = grouped.agg(["size", "count", "min", "max", "mean", "last"])
    assert [(each.start, each.readings) for each in bins] == [(at, row["size"]) for at, row in expected.iterrows()]
    for each, (_, row) in zip(bins, expected.iterrows(), strict=True):
        found = each.numbers.get("x")
        assert (found.count if found else 0) == row["count"]
        if found:
            assert (found.min, found.max, found.last) == (row["min"], row["max"], row["last"])
            assert math.isclose(found.mean, row["mean"], rel_tol=1e-9, abs_tol=1e-6)


def test_a_yes_or_no_is_no_number() -> None:
    (only,) = fold([Point("boiler", "b-1", START, {"burning": True, "mode": "eco"})], ["burning", "mode"], 60)
    assert (only.readings, only.numbers) == (1, {})


def test_the_mean_of_numbers_whose_sum_is_no_number_is_one() -> None:
    points = [Point("boiler", "b-1", START + timedelta(seconds=n), {"x": 1.7e308}) for n in range(3)]
    (only,) = fold(points, ["x"], 60)
    assert math.isclose(only.numbers["x"].mean, 1.7e308)


def test_bins_are_aligned_to_the_epoch() -> None:
    assert start_of(datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC), 3_600) == datetime(2026, 3, 1, 12, tzinfo=UTC)
    # 1970-01-01 was a Thursday: weeks begin there.
    assert start_of(datetime(2026, 3, 1, tzinfo=UTC), 7 * 86_400).strftime("%A") == "Thursday"
