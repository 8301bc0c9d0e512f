"""The model of remaining useful life: repeatable, right on engines it never saw, near the published figures on C-MAPSS."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.labels import label
from models.rul import CAP, Rul, Trained, rmse, train
from runtime.errors import JobError
from tests.models.engines import SENSORS, failures_of, no_events, of_cmapss, simulated
from tests.real_data import real_data

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(label(*simulated(8)), SENSORS)


def test_the_same_rows_give_the_same_bytes_whatever_their_order(trained: Trained) -> None:
    rows, failures, replacements = simulated(8)
    again = train(label(rows.sample(frac=1, random_state=5), failures, replacements), SENSORS)
    assert again.model.to_json() == trained.model.to_json()
    assert again.metrics == trained.metrics


def test_a_stored_model_predicts_what_it_predicted_before(trained: Trained) -> None:
    rows, _, _ = simulated(2, seed=9)
    stored = Rul.from_json(trained.model.to_json())
    assert stored.predict(rows).equals(trained.model.predict(rows))


def test_engines_it_never_saw_are_told_nearer_than_by_their_age(trained: Trained) -> None:
    unseen = label(*simulated(6, seed=77))
    true = unseen["rul"].clip(upper=CAP)
    found = trained.model.predict(unseen)
    # The best guess without a model: the mean life of the engines it learnt from, less the age.
    known = label(*simulated(8))
    guess = ((known["rul"] + known["cycle"]).mean() - unseen["cycle"]).clip(0, CAP)
    assert rmse(found["score"], true) < 0.6 * rmse(guess, true)
    assert ((found["lower"] <= found["score"]) & (found["score"] <= found["upper"])).all()
    assert found["score"].between(0, CAP).all()


def test_cross_validation_keeps_an_engine_out_of_its_own_prediction(trained: Trained) -> None:
    rows, failures, replacements = simulated(8)
    labelled = label(rows, failures, replacements)
    in_sample = rmse(trained.model.predict(labelled)["score"], labelled["rul"].clip(upper=CAP))
    assert trained.metrics["cv_rmse_capped"] > 1.5 * in_sample
    assert len(trained.out_of_fold) == len(labelled)
    assert trained.metrics["lives"] == len(failures)


def test_the_importances_are_shares_of_the_features(trained: Trained) -> None:
    assert sum(trained.importance.values()) == pytest.approx(1, abs=1e-3)
    assert set(trained.importance) == set(trained.model.columns)
    assert not any(name.startswith(("mach_", "altitude_kft_", "t2_fan_inlet_")) for name in trained.importance)


def test_a_model_of_other_features_is_refused(trained: Trained) -> None:
    document = json.loads(trained.model.to_json())
    document["columns"] = document["columns"][::-1]
    with pytest.raises(JobError, match="train it again"):
        Rul.from_json(json.dumps(document).encode())


def test_fd001_stays_below_12_5_cycles_on_the_test_engines() -> None:
    """Capped at 125, as published results are (FACTS: 11.17). Nothing in the model was chosen by these engines."""
    folder: Path = real_data("cmapss")
    known = of_cmapss(folder / "train_FD001.parquet", "train-")
    model = train(label(known, failures_of(known), no_events()), SENSORS).model
    asked = of_cmapss(folder / "test_FD001.parquet", "test-")
    last = asked.groupby("device_id", sort=False).tail(1).index
    score = model.predict(asked).loc[last]
    true = np.loadtxt(folder / "RUL_FD001.txt")
    assert len(score) == len(true) == 100
    assert rmse(score["score"], np.minimum(true, 125)) <= 12.5
    inside = (np.minimum(true, 125) >= score["lower"]) & (np.minimum(true, 125) <= score["upper"])
    assert inside.mean() >= 0.8
