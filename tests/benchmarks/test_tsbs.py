"""TSBS's trucks: the disorder of their entries, and every question answered by DuckDB and Spark as by numpy."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from benchmarks.tsbs import load
from benchmarks.tsbs.answers import differences
from benchmarks.tsbs.oracle import Oracle
from benchmarks.tsbs.questions import Asked
from benchmarks.tsbs.trucks import DIAGNOSTICS, READINGS, TAGS, Arrived, Trucks, disordered, make
from runtime.clock import FixedClock
from spark_jobs.session import SparkLake, session_of
from tests.proofs import Size
from tests.proofs.tsbs import prove
from tests.spark import NOON, folder_platform


def test_entries_are_missing_and_late_as_often_as_upstream_has_them() -> None:
    order = np.fromiter(disordered(200_000, np.random.default_rng(3)), np.int64)
    assert len(np.unique(order)) == len(order)
    # 1 % of the batches and 10 % of the entries go, and of those that wait (30 %) 10 % again, and so on: 0.1 / (1 - 0.3 * 0.9) = 0.137.
    assert 1 - len(order) / 200_000 == pytest.approx(1 - 0.99 * (1 - 0.1 / (1 - 0.9 * 0.3)), abs=0.01)
    assert 0.1 < (np.maximum.accumulate(order) > order).mean() < 0.6


def test_trucks_lose_a_field_in_ten_entries_and_a_tag_in_a_hundred() -> None:
    made = make(20, 24)
    for name, fields in ((READINGS, 7), (DIAGNOSTICS, 3)):
        entries = made.arrived[name]
        lost = sum(np.isnan(values).mean() for values in entries.values.values())
        tags = sum((codes < 0).mean() for codes in entries.tags.values())
        assert len(entries.values) == fields
        assert lost == pytest.approx(0.1, abs=0.01)
        # A lost name is still in the topic: seven of eight are seen.
        assert tags == pytest.approx(0.01 * len(TAGS) / 8, abs=0.002)
        assert len(np.unique(entries.truck * 10_000 + entries.tick)) == len(entries)
    assert sorted(map(tuple, made.order.tolist())) == [
        (kind, place) for kind in (0, 1) for place in range(len(list(made.arrived.values())[kind]))
    ]


def test_a_truck_that_drives_all_along_has_no_session_that_began() -> None:
    rests = np.repeat([0.0, 50.0, 0.0], 20)
    velocity = np.column_stack([np.full(60, 50.0), rests]).ravel()
    tick, truck = np.divmod(np.arange(120), 2)
    tags = {tag: np.zeros(120, np.int64) for tag in TAGS}
    arrived = {name: Arrived(name, truck, tick, {"velocity": velocity}, tags) for name in (READINGS, DIAGNOSTICS)}
    made = Trucks(2, 1, arrived, np.empty((0, 2), np.int64))
    days_since_1970 = 20_454
    assert Oracle(made, Asked.of(made)).answer("avg-daily-driving-session") == [("truck_1", days_since_1970, 1200.0)]


@pytest.mark.spark
def test_every_question_is_answered_as_by_numpy(spark_session: SparkSession, tmp_path: Path) -> None:
    platform = folder_platform(tmp_path / "home", contracts_folder=load.CONTRACTS_FOLDER)
    lake = SparkLake(session_of(spark_session, platform), platform, load.contracts(), FixedClock(NOON))
    counts = prove(Size.SMALL, lake)
    assert counts["equal_to_the_oracle"] == 13
    assert counts["entries"] > 25_000


def test_answers_differ_by_more_than_the_order_of_their_sums() -> None:
    assert differences([("a", 1.0), ("b", None)], [("b", None), ("a", 1.0 + 1e-12)]) == ""
    assert "expected ('a', 1.001)" in differences([("a", 1.0)], [("a", 1.001)])
    assert differences([("a",)], []) == "1 rows, expected are 0"
    assert differences([("a", None)], [("a", 0.0)])
