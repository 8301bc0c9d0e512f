"""Causal statistics against plain numpy over each reading's own window, and to the bit whatever is computed beside them."""

from typing import Any

import numpy as np
import pytest

from lake import causal


def brute(values: Any, place: int) -> dict[str, float]:
    """The statistics of the reading at `place` of one life, each by its textbook definition."""
    nothing = float("nan")
    there = [(x, v) for x, v in enumerate(values[max(0, place - 29) : place + 1]) if not np.isnan(v)]
    last = [v for _, v in there]
    short = [v for v in values[max(0, place - 4) : place + 1] if not np.isnan(v)]
    first = [v for v in values[: min(20, place + 1)] if not np.isnan(v)]
    slope = np.polyfit([x for x, _ in there], last, 1)[0] if len(there) > 1 else nothing
    return {
        "mean_5": np.mean(short) if short else nothing,
        "mean_30": np.mean(last) if last else nothing,
        "std_30": np.std(last, ddof=1) if len(last) > 1 else nothing,
        "slope_30": slope,
        "from_first_20": values[place] - np.mean(first) if first else nothing,
    }


def of_lives(*lives: Any) -> tuple[Any, Any, Any]:
    """Values, numbers and first rows of whole lives one after the other."""
    number = np.concatenate([np.arange(1, len(life) + 1) for life in lives])
    starts = np.cumsum([0, *(len(life) for life in lives)])[:-1]
    first = np.concatenate([np.full(len(life), start) for life, start in zip(lives, starts, strict=True)])
    return np.concatenate(lives), number, first


@pytest.mark.parametrize("seed", range(4))
def test_statistics_are_those_of_each_readings_own_window(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lives = [rng.normal(600, 20, size=(length, 2)) for length in (1, 3, 75, 31)]
    for life in lives:
        life[rng.random(life.shape) < 0.2] = np.nan
    found = causal.statistics(*of_lives(*lives))
    row = 0
    for life in lives:
        for place in range(len(life)):
            for field in range(2):
                for name, expected in brute(life[:, field], place).items():
                    assert found[name][row, field] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), (name, place)
            row += 1


def test_a_straight_line_has_its_slope_from_the_second_reading_on() -> None:
    values, number, first = of_lives(100 + 2.0 * np.arange(40).reshape(-1, 1))
    found = causal.statistics(values, number, first)
    assert np.isnan(found["slope_30"][0, 0])
    assert np.isnan(found["std_30"][0, 0])
    assert found["slope_30"][1:, 0] == pytest.approx(2.0)
    assert found["mean_5"][39, 0] == 174  # of 170, 172, 174, 176, 178
    assert found["mean_30"][39, 0] == 149  # of 120, 122, …, 178
    assert found["from_first_20"][39, 0] == 59  # 178 less the mean of 100, 102, …, 138
    assert found["from_first_20"][2, 0] == 2  # 104 less the mean of 100, 102, 104


def test_nothing_reaches_across_lives() -> None:
    alone = causal.statistics(*of_lives(np.array([[5.0], [7.0]])))
    behind = causal.statistics(*of_lives(np.full((50, 1), 1e6), np.array([[5.0], [7.0]])))
    for name in alone:
        assert np.array_equal(alone[name], behind[name][50:], equal_nan=True)


@pytest.mark.parametrize("place", [1, 15, 20, 21, 35, 49, 50, 120])
def test_the_first_20_and_the_last_29_readings_give_the_same_bits_as_the_whole_life(place: int) -> None:
    rng = np.random.default_rng(place)
    life = rng.normal(600, 20, size=(130, 3))
    life[rng.random(life.shape) < 0.1] = np.nan
    whole = causal.statistics(*of_lives(life))
    number = np.arange(1, 131)
    needed = (number <= 20) | (number > place - 29)
    part = causal.statistics(life[needed], number[needed], np.zeros(needed.sum(), dtype=int))
    for name in whole:
        assert whole[name][place:].tobytes() == part[name][needed.nonzero()[0] >= place].tobytes()


def numbered(devices: str, counter: list[float] | None, known: dict[int, tuple[int, int]] | None = None) -> list[tuple[int, int]]:
    begins = np.array([i == 0 or devices[i] != devices[i - 1] for i in range(len(devices))], dtype=bool)
    life, number = np.zeros(len(devices), dtype=np.int64), np.zeros(len(devices), dtype=np.int64)
    for row, (its_life, its_number) in (known or {}).items():
        life[row], number[row] = its_life, its_number
    found = causal.number_readings(begins, None if counter is None else np.array(counter, dtype=float), life, number)
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


def test_a_falling_counter_begins_a_life_and_an_equal_one_does_not() -> None:
    assert numbered("aaaaaa", [1, 2, 2, 1, 2, 1]) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]


def test_each_device_begins_with_its_first_life() -> None:
    assert numbered("aabbb", [8, 1, 5, 6, 1]) == [(1, 1), (2, 1), (1, 1), (1, 2), (2, 1)]


def test_without_a_counter_a_device_has_one_life() -> None:
    assert numbered("aaab", None) == [(1, 1), (1, 2), (1, 3), (1, 1)]


def test_a_reading_without_its_counter_begins_no_life() -> None:
    assert numbered("aaaa", [5, float("nan"), 1, 2]) == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_readings_go_on_from_those_whose_number_is_known() -> None:
    assert numbered("aaaab", [1, 9, 10, 1, 4], {0: (3, 1), 1: (3, 41)}) == [(3, 1), (3, 41), (3, 42), (4, 1), (1, 1)]


def test_no_readings_have_no_statistics() -> None:
    assert numbered("", []) == []
    assert causal.statistics(np.zeros((0, 2)), np.zeros(0, dtype=int), np.zeros(0, dtype=int))["mean_5"].shape == (0, 2)
