"""The checker finds what is wrong in a lake made by hand: it must be able to fail."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.checker import check

# printf 'b-1\x1fboiler\x1f1790006460000\x1fb7\x1f0' | sha256sum
FIRST = "3ba845d7f03c2f41cf22991473dd52f2"
NOON = datetime(2026, 9, 21, 16, 1, tzinfo=UTC)


def truth(folder: Path, **members: Any) -> Path:
    line = {
        "contract": "boiler", "device_id": "b-1", "topic": "dt/fleetlake/b-1/boiler", "ts": 1_790_006_460_000, "boot": "b7", "seq": 0,
        "water": 61.5, "index": 0, "content": base64.b64encode(b"{}").decode(), "fate": "bronze", "payload": "cGF5",
    }  # fmt: skip
    (folder / "truth.jsonl").write_text(json.dumps(line | members) + "\n")
    return folder / "truth.jsonl"


def put(lake: Path, name: str, event_id: str, water: float = 61.5) -> None:
    file = lake / "bronze" / "boiler" / "ingest_date=2026-09-21" / "ingest_hour=17" / f"part-{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    row = {"event_id": event_id, "device_id": "b-1", "event_time": NOON, "boot": "b7", "seq": 0, "water": water, "trace_id": "t"}
    pq.write_table(pa.Table.from_pylist([row]), file)


def test_a_reading_in_its_place_breaks_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a", FIRST)
    found = check(truth(tmp_path), tmp_path)
    assert (found.sent, found.visible, found.breaches) == (1, 1, {})


def test_a_reading_in_no_place_is_lost_and_one_that_was_given_up_is_not(tmp_path: Path) -> None:
    assert check(truth(tmp_path), tmp_path).breaches == {"lost": 1}
    assert check(truth(tmp_path), tmp_path, [json.dumps({"payload": "cGF5"})]).breaches == {}


def test_a_reading_under_two_ids_is_visible_twice(tmp_path: Path) -> None:
    put(tmp_path, "a", FIRST)
    put(tmp_path, "b", "another")
    assert check(truth(tmp_path), tmp_path).breaches == {"twice": 1, "misnamed": 1}


def test_other_values_than_were_sent_are_a_phantom(tmp_path: Path) -> None:
    put(tmp_path, "a", FIRST, water=20.0)
    assert check(truth(tmp_path), tmp_path).breaches == {"lost": 1, "phantoms": 1}


def test_the_same_readings_under_two_names_are_told(tmp_path: Path) -> None:
    put(tmp_path, "a", FIRST)
    put(tmp_path, "b", FIRST)
    assert check(truth(tmp_path), tmp_path).breaches == {"same_object_twice": 1}


def test_a_refused_reading_that_is_not_in_quarantine_is_lost(tmp_path: Path) -> None:
    assert check(truth(tmp_path, fate="out_of_range"), tmp_path).breaches == {"lost": 1}
