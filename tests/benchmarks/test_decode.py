"""The benchmark measures what it says, in small."""

from benchmarks.decode import decoded, measure, work


def test_a_hundredth_of_the_readings_is_dirt_and_the_rest_is_decoded() -> None:
    assert len(decoded(work(2_000, 0.0))) == 2_000
    assert 1_960 <= len(decoded(work(2_000, 0.01))) < 2_000


def test_each_figure_is_there() -> None:
    figures = measure(50)
    assert len(figures) == 8
    assert all(value > 0 for value in figures.values())
