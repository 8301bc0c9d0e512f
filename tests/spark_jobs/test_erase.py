"""Erasing a device: no file of the lake names it or holds its values, and every other row is what it was."""

import io
import json
import re
import struct
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import snapshots
from lake.catalog import append_rows, open_catalog
from lake.contracts import Contract
from lake.identity import quarantine_id
from lake.law import Place, verify
from lake.law_queues import Queues
from lake.layout import replayed_object
from lake.maintenance import Action, Verdict, read_proofs
from lake.missed import missed, note_missed
from lake.quarantine import Quarantined, put_quarantined
from lake.reasons import Reason
from lake.schemas import arrow_schema
from lake.tables import DEVICE_DAILY, DEVICE_HEALTH, PREDICTIONS, features, gold_hourly, iceberg_tables, replayed, silver
from runtime.clock import FixedClock
from runtime.errors import GateFailed
from runtime.timeseries import Point
from spark_jobs import erase, gold_device_daily, settle
from spark_jobs import features as features_job
from spark_jobs import gold_hourly as gold_job
from spark_jobs import silver as silver_job
from spark_jobs.quality_runs import CheckResult, Lenience, write_results
from spark_jobs.session import SparkLake
from tests.lake.hand_truth import HandTruth
from tests.spark import put_bronze, reading, rows_of
from tests.spark_jobs.gates import Verdict as GateVerdict
from tests.spark_jobs.gates import passing
from tests.spark_jobs.whole_lake import files_naming, multiset_of, objects_of, rows_at

pytestmark = pytest.mark.spark

GONE, STAYS, TWIN = "pump-to-erase", "pump-stays", "pump-to-erase-2"
# Values that no other device has, as they are encoded: a double of Parquet and of bounds, and a text.
BAR = 17.123456789
ENCODED = struct.pack("<d", BAR)
SECRET = "a-text-of-the-device"
# The twin's name begins with the device's.
NEEDLES = (rb"pump-to-erase(?!-2)", re.escape(ENCODED), rb"17\.123456789", SECRET.encode())
TODAY = datetime.now(UTC)


@pytest.fixture
def pump(spark_lake: SparkLake, clock: FixedClock) -> Contract:
    return spark_lake.contracts["pump"]


def readings(pump: Contract, device: str, minutes: range, boot: str = "b1") -> list[dict[str, Any]]:
    own = {"pressure_bar": BAR, "_extra": json.dumps({"note": SECRET})} if device == GONE else {}
    return [reading(pump, device, minute, seq=minute, boot=boot, flow_m3_h=1 + minute / 7, **own) for minute in minutes]


def derive(lake: SparkLake, run: str, contract: str = "pump") -> None:
    for job in (gold_job, gold_device_daily, features_job):
        job.run(lake, contract, run)


def fill(lake: SparkLake, truth: HandTruth) -> None:
    """Three devices of a contract, one of another, and everything that a device can be in."""
    pump, turbofan, platform = lake.contracts["pump"], lake.contracts["turbofan"], lake.platform
    assert isinstance(lake.clock, FixedClock)
    for number, minutes in enumerate((range(3), range(60, 63))):
        rows = [row for device in (GONE, STAYS, TWIN) for row in readings(pump, device, minutes)]
        truth.sent(*rows, contract=pump)
        put_bronze(lake, "pump", rows)
        silver_job.run(lake, "pump", f"a{number}", gate=passing)
        derive(lake, f"a{number}")
        lake.clock.advance(hours=1)
    named = snapshots.keep(platform, "features.pump", "training_pump")
    assert named.rows == 18
    engine = reading(turbofan, "engine-1", 1, seq=1)
    truth.sent(engine, contract=turbofan)
    put_bronze(lake, "turbofan", [engine])
    silver_job.run(lake, "turbofan", "t", gate=passing)
    derive(lake, "t", "turbofan")
    alone = readings(pump, GONE, range(100, 103))
    truth.sent(*alone, contract=pump)
    key = put_bronze(lake, "pump", alone)
    note_missed(platform, key)
    silver_job.run(lake, "pump", "alone", gate=passing)
    held = [row for device in (GONE, STAYS) for row in readings(pump, device, range(200, 202))]
    truth.sent(*held, contract=pump)
    note_missed(platform, put_bronze(lake, "pump", held))

    def holding(*_: Any) -> Any:
        return GateVerdict(False, f"{GONE} is stuck at {BAR}")

    with pytest.raises(GateFailed):
        silver_job.run(lake, "pump", "held", gate=holding)
    check = CheckResult(
        "stuck",
        "pressure_bar",
        False,
        1.0,
        2.0,
        2,
        ({"device_id": GONE, "value": BAR}, {"device_id": STAYS, "value": 3.5}),
        f"{GONE} stuck",
        failures=tuple(
            {"device_id": device, "event_time": lake.clock.now(), "value": value} for device, value in ((GONE, BAR), (STAYS, 3.5))
        ),
    )
    write_results(platform, "held.1", "pump", [check], Lenience(), lake.clock.now())
    waiting = [row for device in (GONE, STAYS) for row in readings(pump, device, range(300, 302))]
    truth.sent(*waiting, contract=pump)
    put_bronze(lake, "pump", waiting)
    _refuse(lake, truth)
    prediction = {"contract": "pump", "model": "rul", "version": "v", "at": lake.clock.now(), "run_id": "p.1"}
    append_rows(
        platform,
        PREDICTIONS,
        [
            {c.name: None for c in PREDICTIONS.columns} | prediction | {"device_id": d, "score": BAR if d == GONE else 1.0}
            for d in (GONE, STAYS)
        ],
    )
    health: dict[str, Any] = {"contract": "pump", "state": "offline", "changed_at": lake.clock.now(), "run_id": "h.1"}
    rows = [health | {"device_id": device, "usual_seconds": BAR if device == GONE else 300.0} for device in (GONE, STAYS)]
    append_rows(platform, DEVICE_HEALTH, rows)
    for device in (GONE, STAYS):
        platform.time_series().write(
            [Point("pump", device, lake.clock.now(), {"pressure_bar": BAR if device == GONE else 1.0, "word": device})]
        )


def _refuse(lake: SparkLake, truth: HandTruth) -> None:
    """Refused readings: of the device, of another that claims to be it, of others, of no contract; one of them was replayed."""
    rows = []
    for device, content in ((GONE, SECRET), (STAYS, f'{{"device_id": "{GONE}"}}'), (STAYS, "fine"), (TWIN, f"from {TWIN}")):
        topic = f"dt/fleetlake/{device}/pump"
        rows.append(
            Quarantined("pump", device, topic, content.encode(), 0, Reason.NOT_JSON, "no", received_at=lake.clock.now(), client_id=device)
        )
        truth.sent_bytes(content.encode(), fate="quarantine:not_json", device=device, contract="pump")
    rows.append(Quarantined("what", GONE, f"dt/fleetlake/{GONE}/what", b"x", 0, Reason.UNKNOWN_CONTRACT, "no"))
    put_quarantined(lake.platform, rows, lake.clock.now(), lake.contracts)
    notes: list[dict[str, Any]] = [
        {
            "quarantine_id": quarantine_id(f"dt/fleetlake/{device}/pump", content.encode(), 0),
            "contract": "pump",
            "reason": "not_json",
            "event_id": None,
            "refused_id": f"{device}-again"[-4:],
            "bytes": content.encode(),
            "contract_version": 1,
            "replayed_at": lake.clock.now(),
        }
        for device, content in ((GONE, SECRET), (STAYS, "fine"))
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(notes, schema=arrow_schema(replayed("pump"))), sink)
    lake.platform.client("s3").put_object(Bucket="", Key=replayed_object("pump", lake.clock.now(), "ab" * 32), Body=sink.getvalue())


def every_other_row(lake: SparkLake) -> dict[str, Counter[str]]:
    """Of each table the rows that do not name the device, as a multiset."""
    tables = [table.name for table in iceberg_tables(lake.contracts.values()) if table.namespace != "ops"]
    rows = {name: rows_at(lake.platform, name) for name in tables}
    folder = Path(lake.platform.object_folder)  # type: ignore[attr-defined] # the tests' platform has it
    rows |= {place: objects_of(folder / place) for place in ("bronze", "quarantine", "replayed")}
    return {name: multiset_of(row for row in found if not names(row)) for name, found in rows.items()}


def names(row: dict[str, Any]) -> bool:
    return row.get("device_id") == GONE or any(text in str(row.get("bytes")) for text in (f'"{GONE}"', SECRET))


def erased(lake: SparkLake, run: str = "e") -> list[str]:
    """After enough time that no file can be one that somebody is writing."""
    assert isinstance(lake.clock, FixedClock)
    lake.clock.moment = datetime.now(UTC) + timedelta(days=1)
    return erase.run(lake, GONE, run, "asked for by its owner", "a person", queues=False)


def home(lake: SparkLake) -> Path:
    return lake.platform.settings.home


def test_nothing_of_it_is_left_in_any_file_and_every_other_row_is_what_it_was(
    spark_lake: SparkLake, pump: Contract, tmp_path: Path
) -> None:
    truth = HandTruth(tmp_path / "truth.jsonl")
    fill(spark_lake, truth)
    before = every_other_row(spark_lake)
    there = files_naming(home(spark_lake), NEEDLES)
    assert {kind for kind in ("bronze", "quarantine", "replayed", "silver", "gold", "features", "ops", "timeseries") if any(kind in name for name in there)} == {
        "bronze", "quarantine", "replayed", "silver", "gold", "features", "ops", "timeseries"
    }  # fmt: skip
    assert {needle for found in there.values() for needle in found} == set(NEEDLES)
    assert any(name.endswith(".avro") for name in there), "a manifest has it as a bound"
    turbofan = {s.snapshot_id for s in open_catalog(spark_lake.platform).load_table("gold.turbofan_hourly").snapshots()}

    erased(spark_lake)

    assert files_naming(home(spark_lake), NEEDLES) == {}
    after = every_other_row(spark_lake)
    assert {name: after[name] - before[name] for name in before} == {name: Counter() for name in before}
    assert {name: before[name] - after[name] for name in before} == {name: Counter() for name in before}
    assert before["silver.pump"].total() == 12
    assert before["bronze"].total() == 12 + 2 + 2 + 1
    for table in (silver(pump), gold_hourly(pump), features(pump), DEVICE_DAILY, PREDICTIONS):
        assert GONE not in {row["device_id"] for row in rows_of(spark_lake, table)}
    # A contract that it never sent by keeps its history.
    assert {s.snapshot_id for s in open_catalog(spark_lake.platform).load_table("gold.turbofan_hourly").snapshots()} == turbofan
    _proofs_know_it_by_a_hash_alone(spark_lake)
    _the_law_calls_it_erased(spark_lake, truth)
    _the_lake_goes_on(spark_lake, pump)


def _proofs_know_it_by_a_hash_alone(lake: SparkLake) -> None:
    proofs = read_proofs(lake.platform, Action.ERASE)
    assert {proof.verdict for proof in proofs} == {Verdict.BEGUN, Verdict.HOLDS, Verdict.DONE}
    assert len({proof.subject for proof in proofs if proof.subject}) == 1
    of_silver = next(proof for proof in proofs if proof.table_name == "silver.pump")
    assert of_silver.rows_before is not None
    assert of_silver.rows_before - (of_silver.rows_after or 0) == 9
    assert of_silver.hash_before == of_silver.hash_after


def _the_law_calls_it_erased(lake: SparkLake, truth: HandTruth) -> None:
    verdict = verify(lake.platform, [truth.file], queues=lambda: Queues(0))
    verdict.check()
    of = {tally.device_id: {place: number for place, number in tally.places.items() if number} for tally in verdict.tallies}
    assert of[GONE] == {Place.ERASED: 6 + 3 + 2 + 2 + 1}
    # What another had sent in its name went too.
    assert of[STAYS] == {Place.VISIBLE: 6, Place.HELD: 2, Place.WAITING: 2, Place.QUARANTINED: 1, Place.ERASED: 1}
    assert of[TWIN] == {Place.VISIBLE: 6, Place.QUARANTINED: 1}


def _the_lake_goes_on(lake: SparkLake, pump: Contract) -> None:
    """Bronze is what was planned: the held run is accepted of what is left, what waited is read, and nothing is read twice."""
    assert list(missed(lake.platform, "pump")), "what waits for the projection waits under its new name"
    assert settle.accept(lake, "pump", "accept", "held.1", "it is fine", "a person", gate=passing).run_id
    silver_job.run(lake, "pump", "next", silver_job.Selection(everything=True), gate=passing)
    derive(lake, "next")
    seen = Counter(row["device_id"] for row in rows_of(lake, silver(pump)))
    assert seen == {STAYS: 6 + 2 + 2, TWIN: 6}
    assert silver_job.run(lake, "pump", "again", silver_job.Selection(everything=True), gate=passing).run_id is None
    assert files_naming(home(lake), NEEDLES) == {}
