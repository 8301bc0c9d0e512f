"""Model versions that learnt from a device that is erased: marked once, and without it in their out-of-fold predictions."""

import io
from pathlib import Path

import pandas as pd
import pytest

from lake.erased_device import Device
from models import erasure, train
from models.registry import Registry
from tests.models.engines import simulated
from tests.models.model_lake import RUL, ModelLake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelLake:
    monkeypatch.setattr("models.rul.ROUNDS", (20,))
    lake = ModelLake(tmp_path)
    rows, failed, replaced = simulated(8)
    lake.publish_features(rows, 1, "f.1")
    lake.publish_events("replacement", replaced, 1, "r.1")
    lake.publish_events("failure", failed, 1, "m.1")
    return lake


def trained(lake: ModelLake) -> str:
    version = train.step_train(lake.platform, RUL, lake.known(2).isoformat(), True, lake.clock)
    assert version is not None
    return version


def devices_out_of_fold(lake: ModelLake, version: str) -> set[str]:
    content = Registry(lake.platform, "rul").out_of_fold(version)
    return set(pd.read_parquet(io.BytesIO(content))["device_id"])


def test_a_version_that_learnt_from_the_device_is_marked_once_and_struck(lake: ModelLake) -> None:
    version = trained(lake)
    there = devices_out_of_fold(lake, version)
    chosen = sorted(there)[0]
    rows = simulated(8)[0]
    assert erasure.mark(lake.platform, lake.clock, Device(chosen), "hash") == [f"rul {version}"]
    assert erasure.mark(lake.platform, lake.clock, Device(chosen), "hash") == [f"rul {version}"]
    (found,) = erasure.erasures(lake.platform, "rul", version)
    assert found.rows == (rows["device_id"] == chosen).sum()
    assert chosen not in found.sentence
    assert f"{found.rows} readings of a device are gone from its training set" in found.sentence
    assert erasure.strike(lake.platform, Device(chosen)) == 1
    assert devices_out_of_fold(lake, version) == there - {chosen}
    assert erasure.strike(lake.platform, Device(chosen)) == 0


def test_a_version_that_never_knew_the_device_is_left_alone(lake: ModelLake) -> None:
    version = trained(lake)
    assert erasure.mark(lake.platform, lake.clock, Device("another"), "hash") == []
    assert erasure.erasures(lake.platform, "rul", version) == []
    assert erasure.strike(lake.platform, Device("another")) == 0
