"""Training sets: nothing leaks into a row that was not known when its reading became visible, and the same set comes again."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.catalog import open_catalog
from lake.contracts import load_contracts
from lake.publications import State
from lake.reading_versions import ALWAYS, Versions
from lake.tables import silver, superseded
from lake.training_manifest import Labels, Manifest
from lake.training_set import TrainingSet, as_known, training_set
from runtime.clock import FixedClock
from runtime.errors import QueryError, UsageError, UserError
from tests.lake.small_lake import SmallLake, moment

LONG_AFTER = FixedClock(moment(100_000))
UPKEEP = """
contract: upkeep
version: 1
kind: event
description: What happened to a boiler.
late_days: 30
fields:
  event: {type: string, required: true, enum: [failure, replacement]}
"""
LABELS = Labels(contract="upkeep")
HOUR = timedelta(hours=1)


class UpkeepLake(SmallLake):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        (self.platform.settings.contracts_folder / "upkeep.yaml").write_text(UPKEEP)
        self.upkeep = silver(load_contracts(self.platform.settings.contracts_folder)["upkeep"])

    def happens(self, event: str, minute: float, known: float, device: str = "b-1") -> None:
        run = f"upkeep{minute}.{known}"
        row = {"event_id": f"{device}-{event}-{minute}", "device_id": device, "event_time": moment(minute), "received_at": moment(known)}
        snapshot = self.append(self.upkeep, [row | {"event": event, "run_id": run}])
        self.note(run, State.VISIBLE, known, snapshot=snapshot, table=self.upkeep)

    def rebuild(self, gone: list[dict[str, Any]], come: list[dict[str, Any]], run: str, known: float) -> None:
        """As a rebuild does: `gone` are superseded, silver is what is left and what comes."""
        iceberg = self.make(silver(self.boiler))
        there = iceberg.scan().to_arrow().to_pylist()
        identities = {row["event_id"] for row in gone}
        self.append(superseded(self.boiler), [row | {"superseded_by": run} for row in there if row["event_id"] in identities])
        iceberg.delete()
        kept = [row for row in there if row["event_id"] not in identities]
        snapshot = self.append(silver(self.boiler), kept + [row | {"run_id": run} for row in come])
        self.note(run, State.VISIBLE, known, snapshot=snapshot)

    def set(self, as_of: float, horizon: timedelta = HOUR, **more: Any) -> TrainingSet:
        return training_set("boiler", moment(as_of), horizon, labels=LABELS, platform=self.platform, clock=LONG_AFTER, **more)


@pytest.fixture
def lake(tmp_path: Path) -> UpkeepLake:
    return UpkeepLake(tmp_path / "home")


def column(made: TrainingSet, name: str) -> dict[int, Any]:
    """By the minute of the row."""
    minutes = (made.frame["at"] - pd.Timestamp(moment(0))).dt.total_seconds() // 60
    return dict(zip(minutes.astype(int), made.frame[name], strict=True))


def test_a_row_has_its_features_and_whether_the_event_came_within_the_horizon(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=minute, water=float(minute)) for minute in (0, 10, 20, 90)], "r.1", 100)
    lake.happens("failure", minute=75, known=120)
    made = lake.set(as_of=200)
    assert column(made, "water_mean_5") == {0: 0.0, 10: 5.0, 20: 10.0, 90: 30.0}
    assert column(made, "label") == {0: False, 10: False, 20: True, 90: False}
    assert column(made, "seconds_to_event")[20] == 55 * 60
    assert np.isnan(column(made, "seconds_to_event")[0])
    assert (made.counts.rows, made.counts.positive, made.counts.horizon_open) == (4, 1, 0)


def test_a_late_reading_is_not_in_the_rows_that_were_visible_before_it(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=minute, water=float(minute)) for minute in (10, 20)], "r.1", 25)
    lake.publish([lake.reading(seq=0, water=1000.0)], "late.1", 30)
    lake.publish([lake.reading(seq=40, water=40.0)], "r.2", 45)
    made = lake.set(as_of=200)
    assert column(made, "water_mean_5") == {0: 1000.0, 10: 10.0, 20: 15.0, 40: (1000 + 10 + 20 + 40) / 4}
    assert column(made, "reading_number") == {0: 1, 10: 1, 20: 2, 40: 4}


def test_a_corrected_reading_has_the_value_that_was_known_then_and_its_successors_the_new_one(lake: UpkeepLake) -> None:
    first, second = (lake.reading(seq=minute, water=float(minute)) for minute in (10, 20))
    lake.publish([first, second], "r.1", 25)
    lake.rebuild([first], [first | {"water": 500.0}], "rebuild.1", 30)
    lake.publish([lake.reading(seq=40, water=40.0)], "r.2", 45)
    assert column(lake.set(as_of=200), "water") == {10: 10.0, 20: 20.0, 40: 40.0}
    assert column(lake.set(as_of=200), "water_mean_5") == {10: 10.0, 20: 15.0, 40: (500 + 20 + 40) / 3}


def test_a_reading_that_was_taken_back_is_left_out_once_that_is_known(lake: UpkeepLake) -> None:
    first, second = (lake.reading(seq=minute, water=float(minute)) for minute in (10, 20))
    lake.publish([first, second], "r.1", 25)
    before = lake.set(as_of=85, horizon=timedelta(minutes=5))
    lake.rebuild([first], [], "rebuild.1", 90)
    after = lake.set(as_of=200)
    assert (set(column(before, "water")), before.counts.withdrawn) == ({10, 20}, 0)
    assert (set(column(after, "water")), after.counts.withdrawn) == ({20}, 1)
    # It was there when the second became visible.
    assert column(after, "water_mean_5") == {20: 15.0}
    # What was asked for the earlier moment does not change.
    pd.testing.assert_frame_equal(lake.set(as_of=85, horizon=timedelta(minutes=5)).frame, before.frame)


def test_a_label_that_came_later_is_not_known_before(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    lake.happens("failure", minute=30, known=500)
    assert column(lake.set(as_of=499), "label") == {0: False}
    assert column(lake.set(as_of=500), "label") == {0: True}
    assert len(lake.set(as_of=499, wait=timedelta(minutes=440)).frame) == 0


def test_a_row_whose_horizon_is_open_is_left_out_though_its_event_is_known(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=minute) for minute in (0, 40)], "r.1", 45)
    lake.happens("failure", minute=50, known=55)
    made = lake.set(as_of=60)
    assert column(made, "label") == {0: True}
    assert (made.counts.rows, made.counts.horizon_open) == (1, 1)
    assert len(lake.set(as_of=59.9).frame) == 0


def test_another_machine_under_the_same_id_says_nothing_of_the_first(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=minute) for minute in (0, 20, 45)], "r.1", 50)
    lake.happens("replacement", minute=30, known=60)
    lake.happens("failure", minute=70, known=80)
    made = lake.set(as_of=500)
    # From 0 and 20 on the machine was taken away within the hour; of 45 the failure is its own.
    assert column(made, "label") == {45: True}
    assert made.counts.ended == 2


def test_events_of_other_devices_and_at_the_very_moment_do_not_count(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=0), lake.reading("b-2", seq=0)], "r.1", 5)
    lake.happens("failure", minute=0, known=10)
    lake.happens("failure", minute=30, known=40, device="b-2")
    made = lake.set(as_of=500).frame
    assert dict(zip(made["device_id"], made["label"], strict=True)) == {"b-1": False, "b-2": True}


def test_the_manifest_gives_the_same_set_after_late_data_rebuilds_and_expired_snapshots(lake: UpkeepLake) -> None:
    first = lake.reading(seq=10, water=10.0, starts=3)
    lake.publish([first, lake.reading(seq=20, water=20.0)], "r.1", 25)
    lake.happens("failure", minute=60, known=70)
    made = lake.set(as_of=200)
    manifest = Manifest.from_json(made.manifest.to_json())
    assert manifest == made.manifest
    lake.publish([lake.reading(seq=0, water=1000.0)], "late.1", 300)
    lake.rebuild([first], [first | {"water": 500.0}], "rebuild.1", 310)
    lake.happens("replacement", minute=15, known=320)
    table = open_catalog(lake.platform).load_table("silver.boiler")
    current = table.current_snapshot()
    assert current is not None
    table.maintenance.expire_snapshots().by_ids([s.snapshot_id for s in table.snapshots() if s.snapshot_id != current.snapshot_id]).commit()
    again = training_set(manifest=manifest, platform=lake.platform, clock=LONG_AFTER)
    pd.testing.assert_frame_equal(again.frame, made.frame)
    assert column(lake.set(as_of=400), "water_mean_5") != column(made, "water_mean_5")


def test_a_contract_that_grew_gives_the_old_columns_again(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=10)], "r.1", 25)
    made = lake.set(as_of=200)
    grown = lake.file.read_text().replace("version: 1", "version: 2") + "  flow: {type: float64, unit: m3/h}\n"
    lake.file.with_name("boiler.v1.yaml").write_text(lake.file.read_text())
    lake.file.write_text(grown)
    again = training_set(manifest=made.manifest, platform=lake.platform, clock=LONG_AFTER)
    assert list(again.frame.columns) == list(made.frame.columns)
    assert "flow_mean_5" in lake.set(as_of=200).frame.columns


def test_a_set_that_cannot_be_made_again_says_what_differs(lake: UpkeepLake) -> None:
    lake.publish([lake.reading(seq=10), lake.reading("b-2", seq=10)], "r.1", 25)
    manifest = lake.set(as_of=200).manifest
    lake.make(silver(lake.boiler)).delete("device_id = 'b-2'")
    with pytest.raises(QueryError, match="it had 2 rows and has 1"):
        training_set(manifest=manifest, platform=lake.platform, clock=LONG_AFTER)
    with pytest.raises(QueryError, match="the code that makes features is another"):
        training_set(manifest=replace(manifest, code="0"), platform=lake.platform, clock=LONG_AFTER)


def test_what_is_wrong_is_said(lake: UpkeepLake) -> None:
    for arguments, words in (
        ({"contract": "boiler"}, "name the contract, as_of and horizon"),
        ({"contract": "upkeep", "as_of": moment(1), "horizon": HOUR}, "this contract is of events"),
        ({"contract": "boiler", "as_of": moment(1), "horizon": -HOUR}, "the horizon must be above 0"),
    ):
        given_: Mapping[str, Any] = arguments  # type: ignore[assignment] # of each its own
        with pytest.raises(UsageError, match=words):
            training_set(**given_, labels=LABELS, platform=lake.platform, clock=LONG_AFTER)
    for text in ("{}", "[]", "x", json.dumps({"labels": 3})):
        with pytest.raises(UserError, match="no manifest"):
            Manifest.from_json(text)


def test_a_horizon_that_is_no_time_and_a_set_without_a_label_are_said(lake: UpkeepLake, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UsageError, match=r"horizon 24, .*such as timedelta\(hours=24\)"):
        training_set("boiler", moment(9), 24, platform=lake.platform)  # type: ignore[arg-type] # what a person may well give
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    with caplog.at_level("WARNING", logger="fleetlake.training_set"):
        made = training_set("boiler", moment(200), HOUR, labels=LABELS, platform=lake.platform, clock=LONG_AFTER)
    assert (made.counts.rows, made.counts.positive) == (1, 0)
    assert "1 rows, and none of them has failure within 1:00:00" in caplog.text


def test_of_an_empty_lake_there_is_an_empty_set(lake: UpkeepLake) -> None:
    made = lake.set(as_of=200)
    assert (len(made.frame), made.counts.rows) == (0, 0)
    assert "water_mean_5" in made.frame.columns


# A reading of the property: device, minute, and its versions as (known, value); each is known later than the one before.
_readings = st.lists(
    st.tuples(
        st.sampled_from(["b-1", "b-2"]),
        st.integers(0, 30),
        st.lists(st.tuples(st.integers(0, 8), st.floats(0, 100)), min_size=1, max_size=3, unique_by=lambda v: v[0]).map(sorted),
        st.booleans(),
    ),
    max_size=14,
    unique_by=lambda r: r[:2],
)


@settings(max_examples=50, deadline=None)
@given(readings=_readings)
def test_every_row_is_what_its_readings_known_then_give(tmp_path_factory: pytest.TempPathFactory, readings: list[Any]) -> None:
    boiler = _boiler(tmp_path_factory)
    versions = []
    for device, minute, found, taken_back in readings:
        ends = [known for known, _ in found[1:]] + [9 if taken_back else None]
        for (known, value), end in zip(found, ends, strict=True):
            until = ALWAYS if end is None else pd.Timestamp(moment(end))
            row = {"device_id": device, "at": moment(minute), "event_id": f"{device}-{minute:02d}", "water": value, "starts": None}
            versions.append(row | {"known": pd.Timestamp(moment(known)), "until": until})
    frame = pd.DataFrame(versions, columns=["device_id", "at", "event_id", "water", "starts", "known", "until"])
    times = {"at": "datetime64[us, UTC]", "known": "datetime64[us, UTC]", "until": "datetime64[us, UTC]", "water": float}
    made = as_known(Versions(frame.astype(times), 0, {}), boiler).to_pandas().set_index("event_id")
    expected = {f"{r[0]}-{r[1]:02d}": _by_hand(r, readings) for r in readings if not r[3]}
    assert set(made.index) == set(expected)
    for event, (number, value, mean) in expected.items():
        assert (made.loc[event, "reading_number"], made.loc[event, "water"]) == (number, value)
        assert made.loc[event, "water_mean_5"] == pytest.approx(mean, rel=1e-12, abs=1e-12)


def _by_hand(row: Any, readings: list[Any]) -> tuple[int, float, float]:
    """Its number, its value and the mean of the last five, by what was known when its first version was."""
    device, minute, versions, _ = row
    seen = []
    for other, at, found, _ in sorted(readings, key=lambda r: r[1]):
        if other == device and at <= minute and found[0][0] <= versions[0][0]:
            seen.append([value for known, value in found if known <= versions[0][0]][-1])
    return len(seen), versions[0][1], sum(seen[-5:]) / len(seen[-5:])


def _boiler(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = getattr(_boiler, "found", None)
    if found is None:
        found = SmallLake(tmp_path_factory.mktemp("contract") / "home").boiler
        _boiler.found = found  # type: ignore[attr-defined] # a contract is read from a file, once
    return found
