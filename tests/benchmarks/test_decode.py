"""The benchmark measures what it says, in small."""

import pytest

from benchmarks.decode import PATHS, is_exact, measure, ours
from benchmarks.decode_real import CMAPSS, of_cmapss, of_simulator
from benchmarks.decode_work import work
from tests.real_data import real_data

pytestmark = pytest.mark.long


def test_a_hundredth_of_the_readings_is_dirt_and_the_rest_is_decoded() -> None:
    given = work(2_000, 25, 0.01)
    assert 1_960 <= len(given.truth) < 2_000
    table, _, refused = ours(given)
    assert is_exact(table, refused, given)
    assert {reason for _, _, reason in refused} == {"not_finite", "not_json", "wrong_type", "out_of_range", "duplicate_key"}


def test_a_path_that_loses_a_reading_is_not_exact() -> None:
    given = work(2_000, 25, 0.01)
    table, _, refused = ours(given)
    assert not is_exact(table.slice(1), refused, given)


def test_a_path_that_gives_another_reason_is_not_exact() -> None:
    given = work(2_000, 25, 0.01)
    table, _, refused = ours(given)
    device, content, _ = refused[0]
    assert not is_exact(table, [(device, content, "missing"), *refused[1:]], given)


def test_each_figure_is_there_and_ours_is_exact() -> None:
    figures = measure(50, packs=(25,))
    assert len(figures) == 2 * len(PATHS)
    assert all(figure.microseconds > 0 for figure in figures)
    assert all(figure.is_exact for figure in figures if figure.path.startswith(("fleetlake", "reference", "the same, exact")))


def test_identities_weigh_what_is_random_in_them() -> None:
    found = of_simulator("pump", devices=5, days=1)
    assert 0 < found.of_same_columns < found.without_event_id < found.whole
    assert 16 <= found.event_id_bytes < 18


def test_bronze_of_real_engines_is_smaller_than_half_of_their_json() -> None:
    found = of_cmapss(real_data("cmapss") / CMAPSS.name)
    assert (found.readings, found.without_event_id < 0.5) == (20_631, True)
