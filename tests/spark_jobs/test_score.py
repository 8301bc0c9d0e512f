"""Scoring: each reading once by each champion, whatever is run again or ends half way."""

import dataclasses
import logging
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from lake.publications import State, read_publications
from lake.tables import PREDICTIONS
from models.labels import label
from models.registry import Card, Registry
from models.rul import Trained, train
from spark_jobs import score
from spark_jobs.publication import BOUNDARIES
from spark_jobs.session import SparkLake
from tests.models.engines import SENSORS, simulated
from tests.models.model_lake import ModelLake
from tests.spark import compiled, rows_of

CARD = Card("rul", "v1", "turbofan", "2026-03-02T12:00:00+00:00", 1, "t", "f", "c", 1, 1, {}, {"failures": 8.0}, [], {})


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def trained() -> Trained:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.rul.ROUNDS", (40,))
        return train(label(*simulated(5)), SENSORS)


@pytest.fixture
def lake(spark_lake: SparkLake, trained: Trained) -> SparkLake:
    """Three engines' features in the lake; no champion yet."""
    publish(spark_lake, engines(), "features.1")
    return spark_lake


def engines() -> pd.DataFrame:
    rows, _, _ = simulated(3, seed=4, cycles=60)
    return rows


def publish(lake: SparkLake, rows: pd.DataFrame, run: str) -> None:
    ModelLake(lake.platform).publish_features(rows, 0, run)


def crown(lake: SparkLake, trained: Trained, version: str = "v1") -> None:
    registry = Registry(lake.platform, "rul")
    registry.save(dataclasses.replace(CARD, version=version), trained.model.to_json(), b"")
    registry.promote(version)


def keys(lake: SparkLake, version: str = "v1") -> list[tuple[str, datetime]]:
    return sorted((row["device_id"], row["at"]) for row in rows_of(lake, PREDICTIONS) if row["version"] == version)


def wanted(rows: pd.DataFrame) -> list[tuple[str, Any]]:
    return sorted(zip(rows["device_id"], rows["at"], strict=True))


@pytest.mark.spark
def test_without_a_champion_it_succeeds_and_says_so(lake: SparkLake, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fleetlake.score"):
        assert score.run(lake, "turbofan", "dag") == []
    assert "rul has no champion yet" in caplog.text
    assert rows_of(lake, PREDICTIONS) == []


@pytest.mark.spark
def test_a_contract_without_a_model_is_nothing_to_do(lake: SparkLake) -> None:
    assert score.run(lake, "pump", "dag") == []


@pytest.mark.spark
def test_the_champion_scores_each_reading_once_and_again_is_nothing_new(lake: SparkLake, trained: Trained) -> None:
    crown(compiled(lake), trained)
    (outcome,) = score.run(lake, "turbofan", "dag")
    rows = rows_of(lake, PREDICTIONS)
    assert keys(lake) == wanted(engines())
    assert {(row["contract"], row["model"], row["run_id"], row["threshold"]) for row in rows} == {("turbofan", "rul", outcome.run_id, 30.0)}
    assert all(row["label"] == ("fails_soon" if row["score"] <= 30 else "healthy") for row in rows)
    # In the executors as beside the model.
    alone = engines().assign(**trained.model.predict(engines())).set_index(["device_id", "at"])
    for row in rows:
        expected = alone.loc[(row["device_id"], row["at"])]
        assert (row["score"], row["lower"], row["upper"]) == pytest.approx((expected["score"], expected["lower"], expected["upper"]))
    assert [again.run_id for again in score.run(lake, "turbofan", "dag")] == [None]
    assert keys(lake) == wanted(engines())


@pytest.mark.spark
def test_new_readings_are_scored_with_the_life_before_them_and_the_first_published_stays(lake: SparkLake, trained: Trained) -> None:
    crown(lake, trained)
    first, _, _ = simulated(3, seed=4, cycles=60)
    more, _, _ = simulated(3, seed=4, cycles=70)
    score.run(lake, "turbofan", "dag")
    before = {(row["device_id"], row["at"]): row for row in rows_of(lake, PREDICTIONS)}
    new = more.merge(first[["device_id", "at"]], on=["device_id", "at"], how="left", indicator=True)
    new = new[new["_merge"] == "left_only"].drop(columns="_merge")
    publish(lake, new, "features.2")
    score.run(lake, "turbofan", "dag2")
    after = {(row["device_id"], row["at"]): row for row in rows_of(lake, PREDICTIONS)}
    assert len(new) == 30
    assert len(after) == len(before) + len(new)
    assert all(after[key] == row for key, row in before.items())
    alone = more.assign(**trained.model.predict(more)).set_index(["device_id", "at"])["score"]
    assert [after[key]["score"] for key in wanted(new)] == pytest.approx([alone.loc[key] for key in wanted(new)])


@pytest.mark.spark
def test_a_new_champion_scores_everything_beside_the_old_ones_predictions(lake: SparkLake, trained: Trained) -> None:
    crown(lake, trained)
    score.run(lake, "turbofan", "dag")
    crown(lake, trained, "v2")
    score.run(lake, "turbofan", "dag2")
    assert keys(lake, "v1") == keys(lake, "v2") == wanted(engines())


@pytest.mark.spark
def test_two_readings_of_a_device_at_one_time_share_a_prediction(lake: SparkLake, trained: Trained) -> None:
    crown(lake, trained)
    twin = engines().tail(1).assign(mach=0.001)
    publish(lake, twin, "features.2")
    score.run(lake, "turbofan", "dag")
    assert keys(lake) == wanted(engines())


@pytest.mark.spark
@pytest.mark.parametrize("where", BOUNDARIES)
def test_a_run_that_ends_at_a_boundary_and_runs_again_leaves_each_prediction_once(lake: SparkLake, trained: Trained, where: str) -> None:
    crown(lake, trained)

    def kill(boundary: str) -> None:
        if boundary == where:
            raise Killed(boundary)

    with pytest.raises(Killed):
        score.run(dataclasses.replace(lake, boundary=kill), "turbofan", "dag")
    score.run(lake, "turbofan", "dag")
    assert keys(lake) == wanted(engines())
    visible = [run for run in read_publications(lake.platform, PREDICTIONS.name, "turbofan") if run.state is State.VISIBLE]
    assert len(visible) == 1
