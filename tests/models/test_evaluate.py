"""Errors in the tables: only of predictions that were public before the failure they are about."""

from pathlib import Path

import pandas as pd
import pytest

from models.evaluate import evaluate, soonest
from tests.models.engines import CADENCE, START
from tests.models.model_lake import RUL, ModelLake

pytestmark = pytest.mark.long


@pytest.fixture
def lake(tmp_path: Path) -> ModelLake:
    """Engines a and b, cycles 1 to 4; known at minute 1."""
    made = ModelLake(tmp_path / "home")
    rows = [
        {"device_id": device, "at": START + CADENCE * cycle, "cycle": cycle, "life": 1, "reading_number": cycle}
        for device in ("a", "b")
        for cycle in (1, 2, 3, 4)
    ]
    made.publish_features(pd.DataFrame(rows), 1, "f.1")
    return made


def predict(lake: ModelLake, minute: float, run: str, version: str = "v1", **scores: list[float | None]) -> None:
    """`scores` of each device at its cycles 1, 2, …; None: no prediction."""
    rows = [
        {"device_id": device, "at": START + CADENCE * cycle, "score": score, "lower": score - 10, "upper": score + 10}
        for device, values in scores.items()
        for cycle, score in enumerate(values, 1)
        if score is not None
    ]
    lake.publish_predictions(version, rows, minute, run)


def fail(lake: ModelLake, minute: float, run: str, device: str, cycle: int) -> None:
    known = pd.DataFrame([{"device_id": device, "event_time": START + CADENCE * cycle, "cycle": cycle}])
    lake.publish_events("failure", known, minute, run)


def test_errors_are_those_of_each_engines_last_prediction_capped_and_raw(lake: ModelLake) -> None:
    predict(lake, 2, "s.1", a=[90.0, 90.0, 90.0, 90.0], b=[125.0, 125.0, 125.0, 125.0])
    fail(lake, 3, "m.1", "a", 100)
    fail(lake, 3, "m.2", "b", 304)
    found = evaluate(lake.platform, RUL, "v1")
    # Left at cycle 4: 96 and 300 (125 when capped). Errors 6 and 0 capped, 6 and 175 raw.
    assert (found.engines, found.all_predictions) == (2, 8)
    assert found.rmse_capped == pytest.approx((36 / 2) ** 0.5)
    assert found.rmse_raw == pytest.approx(((36 + 175**2) / 2) ** 0.5)
    assert found.coverage == 1.0


def test_a_prediction_that_was_published_after_the_failure_does_not_count(lake: ModelLake) -> None:
    predict(lake, 2, "s.1", a=[50.0, 50.0])
    fail(lake, 3, "m.1", "a", 4)
    predict(lake, 4, "s.2", a=[None, None, 1.0, 0.0], b=[7.0])
    found = evaluate(lake.platform, RUL, "v1")
    # The last one before is of cycle 2, when 2 were left.
    assert (found.engines, found.all_predictions) == (1, 2)
    assert found.rmse_capped == pytest.approx(48.0)
    assert found.coverage == 0.0


def test_a_failure_that_was_sent_twice_was_known_the_first_time(lake: ModelLake) -> None:
    fail(lake, 2, "m.1", "a", 4)
    predict(lake, 3, "s.1", a=[3.0])
    fail(lake, 4, "m.2", "a", 4)
    assert evaluate(lake.platform, RUL, "v1").engines == 0


def test_another_versions_predictions_and_engines_that_still_run_do_not_count(lake: ModelLake) -> None:
    predict(lake, 2, "s.1", a=[3.0], b=[9.0])
    predict(lake, 2, "s.2", version="v2", a=[103.0])
    fail(lake, 3, "m.1", "a", 4)
    assert evaluate(lake.platform, RUL, "v1").rmse_capped == pytest.approx(0.0)
    assert evaluate(lake.platform, RUL, "v2").rmse_capped == pytest.approx(100.0)


def test_while_no_engine_has_failed_there_are_no_errors_yet(lake: ModelLake) -> None:
    predict(lake, 2, "s.1", a=[50.0], b=[9.0])
    assert evaluate(lake.platform, RUL, "v1").rmse_capped is None
    assert soonest(lake.platform, RUL, "v1")["device_id"].tolist() == ["b", "a"]


def test_an_empty_lake_has_no_figures(tmp_path: Path) -> None:
    lake = ModelLake(tmp_path / "empty")
    found = evaluate(lake.platform, RUL, "v1")
    assert (found.engines, found.rmse_capped, found.rmse_raw, found.coverage) == (0, None, None, None)
    assert soonest(lake.platform, RUL, "v1").empty


def test_the_next_to_fail_are_those_with_least_left_of_the_engines_that_run(lake: ModelLake) -> None:
    predict(lake, 2, "s.1", a=[50.0, 5.0], b=[9.0, 30.0], c=[8.0])
    fail(lake, 3, "m.1", "a", 4)
    found = soonest(lake.platform, RUL, "v1")
    assert found[["device_id", "score"]].to_numpy().tolist() == [["c", 8.0], ["b", 30.0]]
