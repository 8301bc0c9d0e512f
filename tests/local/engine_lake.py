"""A lake with engines that wear, made without Spark: enough of every table for the report and the notebook."""

import dataclasses
import math
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake import layout
from lake.catalog import append_rows
from lake.contracts import Contract, load_contracts
from lake.identity import event_id, quarantine_id
from lake.publications import State, note
from lake.schemas import arrow_schema
from lake.tables import PREDICTIONS, QUALITY_RUNS, Table, bronze, features, quarantine, silver
from runtime.clock import FixedClock
from runtime.local import LocalPlatform
from runtime.settings import Settings
from tests.lake.hand_truth import HandTruth

START = datetime(2026, 3, 1, tzinfo=UTC)
CADENCE = timedelta(minutes=10)


class EngineLake:
    """`engines` engines of the turbofan contract; every second one fails after it was scored. The numbers are made by a seed."""

    def __init__(self, home: Path, engines: int = 4, cycles: int = 60) -> None:
        self.platform = LocalPlatform(dataclasses.replace(Settings(), home=home))
        self.contracts = load_contracts(self.platform.settings.contracts_folder)
        self.clock = FixedClock(START + timedelta(hours=12.5))
        self.truth = HandTruth(home / "truth" / "t1.jsonl")
        self.random = random.Random(7)
        names = [f"engine-{number:02d}" for number in range(1, engines + 1)]
        lives = {name: cycles + self.random.randrange(-cycles // 4, cycles // 4) for name in names}
        self._turbofan(lives)
        self._other("pump", 3)
        self._refused()
        self._predictions(lives)
        self._failures(dict(list(lives.items())[::2]))
        self._quality()

    def _turbofan(self, lives: dict[str, int]) -> None:
        contract = self.contracts["turbofan"]
        rows = []
        for name, life in lives.items():
            for cycle in range(1, life + 1):
                wear = math.exp(5 * (cycle / (life + 12) - 1))
                rows.append(self.reading(contract, name, cycle - 1, CADENCE * cycle, wear, cycle=cycle))
        self.engines_through(rows, "pipeline_turbofan.1")

    def engines_through(self, rows: list[dict[str, Any]], run: str) -> None:
        """Readings of engines in their first life, with their feature rows."""
        contract = self.contracts["turbofan"]
        self.through(contract, rows, run)
        known = [{"at": row["event_time"], "life": 1, "reading_number": row["seq"] + 1} for row in rows]
        self.append(features(contract), [row | more for row, more in zip(rows, known, strict=True)])
        self.visible(run, features(contract), contract.name, START + timedelta(hours=12.1))

    def _other(self, name: str, devices: int) -> None:
        contract = self.contracts[name]
        rows = [
            self.reading(contract, f"{name}-{device}", minute, timedelta(minutes=10 * minute), 0.5 + 0.5 * math.sin(minute / 20))
            for device in range(1, devices + 1)
            for minute in range(120)
        ]
        self.through(contract, rows, f"pipeline_{name}.1")

    def reading(self, contract: Contract, device: str, seq: int, passed: timedelta, wear: float, **known: Any) -> dict[str, Any]:
        at = START + passed
        values: dict[str, Any] = {}
        for field in contract.fields:
            if field.is_number:
                low, high = field.min if field.min is not None else 0.0, field.max if field.max is not None else 100.0
                share = 0.5 if field.may_be_constant else 0.35 + 0.2 * wear + self.random.gauss(0, 0.01)
                values[field.name] = round(low + share * (high - low), 4) if field.type == "float64" else int(low)
            elif field.type == "bool":
                values[field.name] = wear > 0.5
            elif field.required:
                values[field.name] = field.enum[0] if field.enum else "1.0"
        identity = event_id(device, contract.name, int(at.timestamp() * 1000), "x", seq)
        envelope = {"event_id": identity, "device_id": device, "event_time": at, "boot": "x", "seq": seq}
        return envelope | values | known | {"received_at": datetime(2026, 3, 1, 12, 0, 0, 620_000, tzinfo=UTC), "topic": "t"}

    def through(self, contract: Contract, rows: list[dict[str, Any]], run: str, hours: float = 12.05) -> None:
        """Sent and acknowledged, put into bronze, visible in silver."""
        for start in range(0, len(rows), 50):
            self.truth.sent(*rows[start : start + 50], contract=contract)
        self._put(layout.bronze_object(contract.name, START, "ab" * 32), bronze(contract), rows)
        self.append(silver(contract), [row | {"run_id": run} for row in rows])
        self.visible(run, silver(contract), contract.name, START + timedelta(hours=hours))

    def _refused(self) -> None:
        for reason, number in (("not_finite", 9), ("out_of_range", 5), ("not_json", 3)):
            contents = [f'{{"{reason}": {index}'.encode() for index in range(number)]
            rows = []
            for content in contents:
                self.truth.sent_bytes(content, fate=f"quarantine:{reason}", device="engine-01", contract="turbofan")
                topic = "dt/fleetlake/engine-01/turbofan"
                known = {"contract": "turbofan", "device_id": "engine-01", "topic": topic, "bytes": content, "index": 0}
                rows.append(
                    known | {"reason": reason, "origin": "decode", "quarantine_id": quarantine_id(topic, content, 0), "received_at": START}
                )
            self._put(layout.quarantine_object("turbofan", START, reason, "cd" * 32), quarantine("turbofan"), rows)

    def _predictions(self, lives: dict[str, int]) -> None:
        rows = []
        for name, life in lives.items():
            for cycle in range(life // 2, life + 1, 2):
                score = max(2.0, life + 12 - cycle + self.random.gauss(0, 6))
                known = {"contract": "turbofan", "model": "rul", "version": "v1", "device_id": name, "at": START + CADENCE * cycle}
                rows.append(known | {"score": score, "lower": max(0.0, score - 12), "upper": score + 14, "run_id": "score.1"})
        self.append(PREDICTIONS, rows)
        self.visible("score.1", PREDICTIONS, "turbofan", START + timedelta(hours=12.2))

    def _failures(self, lives: dict[str, int]) -> None:
        contract = self.contracts["maintenance"]
        rows = []
        for seq, (name, life) in enumerate(lives.items()):
            reading = self.reading(contract, name, seq, CADENCE * (life + 12), 0.0, event="failure", cycle=life + 12)
            rows.append(reading)
        self.through(contract, rows, "pipeline_maintenance.1", hours=12.4)

    def _quality(self) -> None:
        for contract, run, status in (("turbofan", "pipeline_turbofan.1", "passed"), ("pump", "pipeline_pump.2", "failed")):
            known = {"run_id": run, "contract": contract, "recorded_at": START + timedelta(hours=12.5)}
            checks = [
                {"check_name": "unique_event_ids", "status": "passed", "observed": 0.0, "threshold": 0.0},
                *({"check_name": "null_share", "field": name, "status": "passed", "observed": 0.0, "threshold": 0.2} for name in "abc"),
                {"check_name": "completeness", "status": "passed", "observed": 0.97, "threshold": 0.7},
                {
                    "check_name": "stuck",
                    "field": "flow",
                    "status": status,
                    "observed": 41.0,
                    "threshold": 30.0,
                    "sentence": "pump-2 sent the same flow 41 times",
                },
            ]
            self.append(QUALITY_RUNS, [known | check for check in checks])
        self.clock.moment = START + timedelta(hours=12.5)
        note(self.platform, self.clock, "pipeline_pump.2", silver(self.contracts["pump"]), "pump", State.HELD)

    def visible(self, run: str, table: Table, contract: str, at: datetime) -> None:
        self.clock.moment = at
        note(self.platform, self.clock, run, table, contract, State.VISIBLE, snapshot_id=1)

    def append_silver(self, contract: str, rows: list[dict[str, Any]]) -> None:
        self.append(silver(self.contracts[contract]), rows)

    def append(self, table: Table, rows: list[dict[str, Any]]) -> None:
        append_rows(self.platform, table, [{column.name: row.get(column.name) for column in table.columns} for row in rows])

    def _put(self, key: str, table: Table, rows: list[dict[str, Any]]) -> None:
        file = self.platform.object_folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([{c.name: row.get(c.name) for c in table.columns} for row in rows], arrow_schema(table)), file)
        put_at = datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC).timestamp()
        os.utime(file, (put_at, put_at))
