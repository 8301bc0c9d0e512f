"""Engines wear as the model says, fail, and can be learned from."""

import numpy as np
import numpy.typing as npt
import pytest

from local.simulator import turbofan
from tests.local.simulator.fleets import CONTRACTS

Numbers = npt.NDArray[np.float64]
TEN_MINUTES_MS = 600_000
A_MONTH = 30 * 144


def sensor(name: str, device: str = "e-1", slots: int = A_MONTH) -> Numbers:
    _, columns = turbofan.readings(7, device, np.arange(slots))
    return np.array(columns[name], dtype=float)


def test_an_engine_lives_130_to_300_cycles_and_the_next_one_begins_at_cycle_1() -> None:
    cycle = sensor("cycle")
    ends = np.flatnonzero(np.diff(cycle) < 0)
    assert len(ends) >= 14  # 30 days of 144 cycles, lives of at most 300
    assert all(130 <= cycle[end] <= 300 and cycle[end + 1] == 1 for end in ends)


def test_within_a_life_the_cycle_counts_up_by_one() -> None:
    steps = np.diff(sensor("cycle"))
    assert set(steps[steps > 0]) == {1}


@pytest.mark.parametrize(("name", "rises"), [("t50_lpt_outlet", True), ("ps30_hpc_outlet", True), ("p30_hpc_outlet", False)])
def test_a_worn_engine_shows_it_well_above_the_noise(name: str, rises: bool) -> None:
    cycle, values = sensor("cycle"), sensor(name)
    last = np.flatnonzero(np.diff(cycle) < 0)
    worn, new = values[last], values[cycle <= 20]
    shift = (worn.mean() - new.mean()) / new.std()
    assert shift > 4 if rises else shift < -4


def test_damage_grows_without_a_step_back_and_is_whole_at_the_last_cycle() -> None:
    for life in turbofan.lives(7, "e-1", A_MONTH):
        damage = life.damage(np.arange(1, life.cycles + 1))
        assert (np.diff(damage) > 0).all()
        assert 0 <= damage[0] < 0.1
        assert damage[-1] == pytest.approx(1.0)


def test_what_is_left_of_a_life_can_be_learned_from_its_sensors() -> None:
    """Least squares over means of 15 cycles, learned on ten engines, halves the error of the best constant on ten others."""

    def examples(
        devices: range,
    ) -> tuple["np.ndarray[tuple[int, int], np.dtype[np.float64]]", "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
        rows, left = [], []
        for number in devices:
            for life in list(turbofan.lives(7, f"e-{number}", 800))[:3]:
                slots = np.arange(life.first_slot, life.last_slot + 1)
                _, columns = turbofan.readings(7, f"e-{number}", slots)
                sensors = np.array([columns[name] for name in ("t50_lpt_outlet", "ps30_hpc_outlet", "p30_hpc_outlet", "bypass_ratio")])
                means = np.array([np.convolve(one, np.ones(15) / 15, mode="valid") for one in sensors]).T
                rows.append(np.c_[np.ones(len(means)), means])
                left.append(np.minimum(life.cycles - np.arange(15, life.cycles + 1), 125))
        return np.concatenate(rows), np.concatenate(left)

    features, known = examples(range(10))
    weights = np.linalg.lstsq(features, known, rcond=None)[0]
    others, truth = examples(range(10, 20))
    error = np.sqrt(np.mean((others @ weights - truth) ** 2))
    assert error < truth.std() / 2


def test_a_slice_of_time_shows_what_the_whole_shows() -> None:
    whole_flies, whole = turbofan.readings(7, "e-1", np.arange(500))
    flies, part = turbofan.readings(7, "e-1", np.arange(170, 260))
    before = int(whole_flies[:170].sum())
    assert part == {name: column[before : before + len(part["cycle"])] for name, column in whole.items()}
    assert (flies == whole_flies[170:260]).all()


def test_each_engine_and_each_seed_has_its_own_life() -> None:
    assert sensor("t50_lpt_outlet", "e-1").tolist() != sensor("t50_lpt_outlet", "e-2").tolist()
    other = turbofan.readings(8, "e-1", np.arange(100))[1]
    assert other != turbofan.readings(7, "e-1", np.arange(100))[1]


def test_every_life_that_ends_has_one_failure_with_its_last_cycle_then_a_replacement() -> None:
    first, end = 1_000, 1_000 + A_MONTH * TEN_MINUTES_MS
    events = turbofan.events(7, "e-1", first, TEN_MINUTES_MS, first, end)
    told = [values for _, values in events if values["event"] != "inspection"]
    cycle = sensor("cycle")
    ends = cycle[np.flatnonzero(np.diff(cycle) < 0)]
    assert [values["cycle"] for values in told if values["event"] == "failure"][: len(ends)] == ends.tolist()
    assert [values["event"] for values in told[: 2 * len(ends)]] == ["failure", "replacement"] * len(ends)


def test_a_failure_comes_after_its_last_reading_and_before_the_next_engine() -> None:
    flies, columns = turbofan.readings(7, "e-1", np.arange(400))
    times = np.flatnonzero(flies) * TEN_MINUTES_MS
    end = int(np.flatnonzero(np.diff(columns["cycle"]) < 0)[0])
    at = next(at for at, values in turbofan.events(7, "e-1", 0, TEN_MINUTES_MS, 0, 10**12) if values["event"] == "failure")
    assert times[end] < at < times[end + 1]


def test_events_of_two_slices_are_those_of_both_together() -> None:
    cut, end = 1_000 * TEN_MINUTES_MS, 2_000 * TEN_MINUTES_MS

    def between(start: int, stop: int) -> list[tuple[int, dict[str, object]]]:
        return turbofan.events(7, "e-1", 500, TEN_MINUTES_MS, start, stop)

    assert between(0, cut) + between(cut, end) == between(0, end)


def test_no_sensor_that_must_move_looks_stuck() -> None:
    _, columns = turbofan.readings(7, "e-1", np.arange(A_MONTH))
    for field in CONTRACTS["turbofan"].numbers:
        if not field.may_be_constant and not field.lifetime_counter:
            values = np.array(columns[field.name])
            changes = np.flatnonzero(np.diff(values)) + 1
            assert np.diff(changes).max() < 30, field.name


def test_the_model_knows_every_field_of_the_contract() -> None:
    _, columns = turbofan.readings(7, "e-1", np.arange(10))
    assert columns.keys() == {field.name for field in CONTRACTS["turbofan"].fields}
