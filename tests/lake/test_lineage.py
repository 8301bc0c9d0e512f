"""From a prediction to its message, on a lake whose every step was written by hand."""

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table as IcebergTable

from lake.catalog import open_catalog
from lake.lineage import Message, Model, Run, of_prediction
from lake.publications import State
from lake.tables import LEDGER, MODEL_RUNS, PREDICTIONS, features, superseded
from runtime.errors import UserError
from tests.lake.small_lake import SmallLake, moment

PREDICTION = f"boiler/rul/v1/b-1/{moment(2).isoformat()}"


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    """A reading that was delivered twice, in two objects of one run; its features, and the prediction made of them."""
    small = SmallLake(tmp_path / "home")
    row = small.reading(seq=2) | {"principal": "cert", "client_id": "b-1", "trace_id": "t-1"}
    keys = [small.put_bronze([small.reading(seq=1), row]), small.put_bronze([row | {"trace_id": "t-2"}], moment(60))]
    plan(small, "s.1", keys)
    small.publish([row], "s.1", 10)
    scored = publish_features(small, row["event_id"], "f.1", 20)
    publish_features(small, "another", "f.2", 30, measured=3)
    prediction = {
        "contract": "boiler",
        "model": "rul",
        "version": "v1",
        "device_id": "b-1",
        "at": moment(2),
        "score": 41.5,
        "label": "soon",
    }
    small.append(PREDICTIONS, [prediction | {"features_snapshot": scored, "run_id": "p.1"}])
    small.note("p.1", State.VISIBLE, 40, table=PREDICTIONS, inputs=["features.boiler:f.1@v1"])
    trained = {"model": "rul", "version": "v1", "kind": "train", "state": "trained", "as_of": moment(5), "features_snapshot": 7}
    small.append(MODEL_RUNS, [trained | {"code_version": "abc", "artifact": "models/rul/v1/model.json", "recorded_at": moment(6)}])
    return small


def plan(lake: SmallLake, run: str, keys: list[str]) -> None:
    span = {"min_event_time": moment(1), "max_event_time": moment(2)}
    lake.append(LEDGER, [{"run_id": run, "contract": "boiler", "object": key, "rows": 1, "planned_at": moment(0)} | span for key in keys])


def publish_features(lake: SmallLake, event_id: str, run: str, minute: float, measured: float = 2) -> int:
    table = features(lake.boiler)
    snapshot = lake.append(table, [{"device_id": "b-1", "at": moment(measured), "event_id": event_id, "life": 1, "reading_number": 1}])
    lake.note(run, State.VISIBLE, minute, table=table, snapshot=snapshot)
    return snapshot


def keys_of(lake: SmallLake) -> list[str]:
    root = lake.platform.object_folder
    return sorted(file.relative_to(root).as_posix() for file in root.rglob("bronze/**/*.parquet"))


def test_every_step_from_the_prediction_to_both_messages_of_its_reading(lake: SmallLake) -> None:
    found = of_prediction(lake.platform, PREDICTION)
    assert (found.score, found.label, found.run) == (41.5, "soon", Run("p.1", moment(40)))
    assert found.model == Model(moment(5), 7, "abc", "models/rul/v1/model.json", moment(6))
    assert (found.features.is_as_it_was, found.features.runs) == (True, (Run("f.1", moment(20)),))
    (reading,) = found.readings
    assert (reading.event_time, reading.run, reading.superseded_by) == (moment(2), Run("s.1", moment(10)), None)
    sent: dict[str, Any] = {
        "topic": "dt/fleetlake/b-1/boiler",
        "principal": "cert",
        "client_id": "b-1",
        "received_at": moment(3),
        "boot": "x",
        "seq": 2,
    }
    first, second = keys_of(lake)
    assert reading.messages == (Message(first, 1, trace_id="t-1", **sent), Message(second, 0, trace_id="t-2", **sent))


def test_features_whose_snapshot_was_expired_are_as_they_are_now_and_said_to_be(lake: SmallLake) -> None:
    table: IcebergTable = open_catalog(lake.platform).load_table("features.boiler")
    table.maintenance.expire_snapshots().older_than(datetime.now() + timedelta(days=1)).commit()  # noqa: DTZ005 - as PyIceberg compares
    found = of_prediction(lake.platform, PREDICTION)
    assert found.features.is_as_it_was is False
    assert found.features.runs == (Run("f.1", moment(20)),)
    assert [reading.run.run_id for reading in found.readings] == ["s.1"]


def test_a_row_that_a_visible_rebuild_replaced_is_there_beside_its_successor(lake: SmallLake) -> None:
    event_id = of_prediction(lake.platform, PREDICTION).features.event_ids[0]
    old = lake.reading(seq=2) | {"event_id": event_id, "run_id": "s.0"}
    lake.append(superseded(lake.boiler), [old | {"superseded_by": "s.1"}, old | {"superseded_by": "never-visible.1"}])
    found = of_prediction(lake.platform, PREDICTION)
    assert [(reading.run.run_id, reading.superseded_by) for reading in found.readings] == [("s.1", None), ("s.0", "s.1")]


def test_an_object_that_is_gone_leaves_the_rest_of_the_lineage(lake: SmallLake) -> None:
    for key in keys_of(lake):
        (lake.platform.object_folder / key).unlink()
    (reading,) = of_prediction(lake.platform, PREDICTION).readings
    assert reading.messages == ()


def test_it_can_be_had_as_json(lake: SmallLake) -> None:
    asked: dict[str, Any] = dataclasses.asdict(of_prediction(lake.platform, PREDICTION))
    assert asked["readings"][0]["messages"][0]["trace_id"] == "t-1"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rul/v1/b-1", "a prediction is named by contract/model/version/device/time"),
        (PREDICTION.removesuffix("+00:00"), "a prediction is named by"),
        (PREDICTION.replace("v1", "v2"), f"there is no such prediction; the newest of b-1 is {PREDICTION}"),
        (PREDICTION.replace("b-1", "b-9"), "b-9 has none in contract boiler"),
    ],
)
def test_a_name_of_no_prediction_is_refused_with_what_was_meant(lake: SmallLake, name: str, words: str) -> None:
    with pytest.raises(UserError) as refused:
        of_prediction(lake.platform, name)
    assert words in str(refused.value)
