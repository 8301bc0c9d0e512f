"""The benchmark measures what it says, in small."""

from benchmarks.decode import PATHS, is_exact, measure, ours, shares_of_json
from benchmarks.decode_work import work


def test_a_hundredth_of_the_readings_is_dirt_and_the_rest_is_decoded() -> None:
    given = work(2_000, 25, 0.01)
    assert 1_960 <= len(given.truth) < 2_000
    assert is_exact(ours(given)[0], given)


def test_a_path_that_loses_a_reading_is_not_exact() -> None:
    given = work(2_000, 25, 0.01)
    assert not is_exact(ours(given)[0].slice(1), given)


def test_each_figure_is_there_and_ours_is_exact() -> None:
    figures = measure(50, packs=(25,))
    assert len(figures) == 2 * len(PATHS)
    assert all(figure.microseconds > 0 for figure in figures)
    assert all(figure.is_exact for figure in figures if figure.path.startswith(("fleetlake", "reference")))


def test_identities_weigh_something() -> None:
    shares = shares_of_json(500)
    assert 0 < shares["without event_id"] < shares["whole"]
