"""Labels: what is left of an engine's life at a reading."""

from datetime import datetime

import pandas as pd

from models.labels import label, lives
from tests.models.engines import CADENCE, START, no_events


def at(slot: float) -> datetime:
    return START + CADENCE * slot


def readings(device_id: str, *cycles: int, first_slot: int = 0) -> pd.DataFrame:
    times = [at(first_slot + place) for place in range(len(cycles))]
    return pd.DataFrame({"device_id": device_id, "at": times, "cycle": cycles})


def failures(*known: tuple[str, float, int]) -> pd.DataFrame:
    rows = [{"device_id": device, "event_time": at(slot), "cycle": cycle} for device, slot, cycle in known]
    return pd.DataFrame(rows) if rows else no_events().assign(cycle=pd.Series(dtype="int64"))


def replacements(*known: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame([{"device_id": device, "event_time": at(slot)} for device, slot in known]) if known else no_events()


def test_what_is_left_is_the_failures_cycle_less_the_readings() -> None:
    found = label(readings("a", 1, 2, 3), failures(("a", 10, 8)), replacements())
    assert found["rul"].tolist() == [7, 6, 5]
    assert lives(found) == 1


def test_a_reading_at_the_moment_of_the_failure_has_nothing_left() -> None:
    assert label(readings("a", 4, 5), failures(("a", 1, 5)), replacements())["rul"].tolist() == [1, 0]


def test_an_engine_that_has_not_failed_has_no_label_nor_has_one_after_its_last_failure() -> None:
    rows = pd.concat([readings("a", 1, 2), readings("b", 1), readings("a", 1, first_slot=9)])
    found = label(rows, failures(("a", 2, 2)), replacements(("a", 3)))
    assert found[["device_id", "rul"]].to_numpy().tolist() == [["a", 1], ["a", 0]]
    assert label(rows, failures(), replacements()).empty


def test_each_engine_under_one_device_id_has_its_own_failure() -> None:
    rows = pd.concat([readings("a", 1, 2), readings("a", 1, 2, first_slot=5)])
    found = label(rows, failures(("a", 2, 3), ("a", 8, 4)), replacements(("a", 4)))
    assert found["rul"].tolist() == [2, 1, 3, 2]
    assert lives(found) == 2


def test_an_engine_that_was_replaced_before_it_failed_teaches_nothing() -> None:
    rows = pd.concat([readings("a", 1, 2), readings("a", 1, first_slot=5)])
    assert label(rows, failures(("a", 9, 30)), replacements(("a", 3)))[["cycle", "rul"]].to_numpy().tolist() == [[1, 29]]


def test_a_failure_at_a_lower_cycle_is_about_another_engine() -> None:
    assert label(readings("a", 40, 41), failures(("a", 9, 12)), replacements()).empty


def test_readings_whose_order_a_jumped_clock_turned_round_keep_their_labels() -> None:
    found = label(readings("a", 5, 7, 6, 8), failures(("a", 9, 10)), replacements())
    assert found["rul"].tolist() == [5, 3, 4, 2]
    assert lives(found) == 1
