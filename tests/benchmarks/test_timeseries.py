"""The benchmark of the time-series stores asks them the same, in small."""

import pytest

from benchmarks.timeseries import measure

pytestmark = pytest.mark.long


def test_each_store_has_each_figure_after_they_answered_alike() -> None:
    figures = measure(devices=3, readings=200, batch=50)
    assert list(figures) == ["SQLite, ours", "DuckDB", "DuckDB with key"]
    assert {len(of_store) for of_store in figures.values()} == {6}
    assert all(value > 0 for of_store in figures.values() for name, value in of_store.items() if name != "append, CPU µs a reading")
