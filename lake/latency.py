"""How long readings take from the device to each place: seconds since the device sent them, by truth files and the lake."""

# ruff: noqa: S608 - SQL is made here from declared names and file names

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from lake.contracts import Contract, sound_contracts
from lake.history import known_at
from lake.query_tables import QueryTables, object_files, select_objects
from lake.tables import bronze
from runtime.platforms import Platform

STAGES = {"rule": "AWS IoT rule", "bronze": "bronze", "silver": "visible in silver"}
_SHARES = [*(step / 100 for step in range(1, 100)), 0.995, 0.999]


@dataclass(frozen=True)
class Latency:
    """Of one stage: `seconds[i]` is what the share `shares[i]` of its readings took at most."""

    stage: str
    readings: int
    shares: tuple[float, ...]
    seconds: tuple[float, ...]

    def quantile(self, share: float) -> float:
        return self.seconds[self.shares.index(share)]


def latencies(platform: Platform, files: Sequence[Path]) -> list[Latency]:
    """The stages that some reading of the truth `files` has come to."""
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        if not _sent(connection, files):
            return []
        contracts = sound_contracts(platform.settings.contracts_folder)
        connection.execute("CREATE TABLE taken (stage VARCHAR, seconds DOUBLE)")
        tables = QueryTables(platform, contracts)
        tables.make(connection, [f"silver.{name}" for name in contracts], None)
        for contract in contracts.values():
            _to_bronze(connection, platform, contract)
            _to_silver(connection, platform, contract)
        return [found for stage in STAGES if (found := _quantiles(connection, stage)) is not None]
    finally:
        connection.close()


def _sent(connection: Any, files: Sequence[Path]) -> bool:
    """When each reading was sent first; a resend is a reading that was late."""
    there = [str(file) for file in files if file.exists()]
    if not there:
        return False
    connection.execute(
        "CREATE TABLE sent AS SELECT event_id, min(sent_at)::TIMESTAMPTZ AS sent_at FROM read_json(?, format = 'newline_delimited', "
        "ignore_errors = true, columns = {kind: 'VARCHAR', event_id: 'VARCHAR', sent_at: 'VARCHAR'}) "
        "WHERE kind = 'reading' AND event_id IS NOT NULL GROUP BY 1",
        [there],
    )
    return True


def _to_bronze(connection: Any, platform: Platform, contract: Contract) -> None:
    objects = object_files(platform, bronze(contract))
    if not objects:
        return
    # An object is put once and never changed, so its file's time is the time of the put.
    put = [{"object": key, "put_at": datetime.fromtimestamp(Path(file).stat().st_mtime, UTC)} for key, file in objects.items()]
    connection.register("put", pa.Table.from_pylist(put))
    connection.execute(
        "CREATE OR REPLACE TABLE arrived AS SELECT event_id, min(received_at) AS received_at, min(put_at) AS put_at "
        f"FROM ({select_objects(bronze(contract), objects)}) JOIN put USING (object) GROUP BY 1"
    )
    for stage, column in (("rule", "received_at"), ("bronze", "put_at")):
        connection.execute(f"INSERT INTO taken SELECT '{stage}', epoch({column}) - epoch(sent_at) FROM arrived JOIN sent USING (event_id)")


def _to_silver(connection: Any, platform: Platform, contract: Contract) -> None:
    known = [{"run_id": run, "known_at": at} for run, at in known_at(platform, f"silver.{contract.name}").items()]
    if not known:
        return
    connection.register("known", pa.Table.from_pylist(known))
    connection.execute(
        f"INSERT INTO taken SELECT 'silver', epoch(known_at) - epoch(sent_at) FROM silver.{contract.name} "
        "JOIN known USING (run_id) JOIN sent USING (event_id)"
    )


def _quantiles(connection: Any, stage: str) -> Latency | None:
    number, seconds = connection.execute(
        f"SELECT count(*), quantile_cont(seconds, {_SHARES}) FROM taken WHERE stage = ?", [stage]
    ).fetchone()
    return Latency(stage, number, tuple(_SHARES), tuple(seconds)) if number else None
