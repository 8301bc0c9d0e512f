"""Lakes for tests of Spark jobs: one session for the whole test run, an empty lake in a folder of its own for each test.

``spark_lake`` has the catalog's tables of all contracts of the repository, a clock that a test sets, and an S3 that is a
folder. ``put_bronze(lake, "turbofan", [reading(...), …])`` writes a bronze object as the worker would.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from pyspark.sql import SparkSession

from lake.catalog import open_catalog
from lake.contracts import Contract, Contracts, load_contracts
from lake.identity import event_id
from lake.layout import bronze_object
from lake.schemas import arrow_schema
from lake.tables import Table, bronze
from runtime.clock import FixedClock
from runtime.local import LocalPlatform
from runtime.settings import REPOSITORY, Settings
from spark_jobs.session import SparkLake, open_session, prepare_tables, session_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class FolderS3:
    """The few S3 calls that jobs make, over a folder: what the emulator does, without its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str | None = None, IfMatch: str | None = None, **_: Any
    ) -> dict[str, Any]:
        target = self.folder / Key
        if (IfNoneMatch == "*" and target.exists()) or (IfMatch and IfMatch != self._etag(target)):
            raise _client_error(412, "PreconditionFailed")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Body)
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if not (self.folder / Key).is_file():
            raise _client_error(404, "NoSuchKey")
        return {"Body": io.BytesIO((self.folder / Key).read_bytes()), "ETag": self._etag(self.folder / Key)}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        (self.folder / Key).unlink(missing_ok=True)
        return {}

    @staticmethod
    def _etag(file: Path) -> str:
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def get_paginator(self, operation: str) -> "FolderS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str = "", StartAfter: str = "", **_: Any) -> Iterator[dict[str, Any]]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        keys = sorted(path.relative_to(self.folder).as_posix() for path in files)
        yield {"Contents": [{"Key": key} for key in keys if key.startswith(Prefix) and key > StartAfter]}


class FolderSns:
    """An alarm topic that is a file: a line for each message."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def publish(self, **message: Any) -> None:
        with self.file.open("a") as lines:
            lines.write(f"{json.dumps(message)}\n")


class FolderPlatform(LocalPlatform):
    """A laptop whose S3 is a folder, whose alarm topic is a file, and which has no other service."""

    def client(self, service: str) -> Any:
        assert service in ("s3", "sns"), f"no {service} in tests of Spark jobs"
        return FolderS3(self.object_folder) if service == "s3" else FolderSns(self.alarm_file)

    @property
    def alarm_file(self) -> Path:
        """Beside the home: what was told has left the lake."""
        return self.settings.home.parent / f"{self.settings.home.name}-alarms.jsonl"

    def alarms(self) -> list[dict[str, Any]]:
        """What was told on the alarm topic, as a subscriber gets it that is no mailbox."""
        messages = [json.loads(line)["Message"] for line in self.alarm_file.read_text().splitlines()] if self.alarm_file.exists() else []
        return [json.loads(json.loads(message)["default"]) for message in messages]


def folder_platform(home: Path, **settings: Any) -> FolderPlatform:
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    return FolderPlatform(dataclasses.replace(Settings.from_environment(), home=home, spark_quick=True, **settings))


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    spark = open_session(folder_platform(tmp_path_factory.mktemp("spark"), spark_memory="1g"), "tests")
    yield spark
    spark.stop()


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the tables of all contracts of the repository, without a row."""
    home = tmp_path_factory.mktemp("empty") / "home"
    _make_tables(folder_platform(home), load_contracts(REPOSITORY / "contracts"))
    return home


@pytest.fixture
def spark_lake(spark_session: SparkSession, empty_home: Path, tmp_path: Path) -> SparkLake:
    """An empty lake with all contracts of the repository; its clock stands at NOON until the test moves it."""
    copy_tables(empty_home, tmp_path / "home")
    return lake_in(spark_session, folder_platform(tmp_path / "home"), load_contracts(REPOSITORY / "contracts"))


def empty_lake(spark: SparkSession, home: Path, contracts: Contracts) -> SparkLake:
    platform = folder_platform(home)
    _make_tables(platform, contracts)
    return lake_in(spark, platform, contracts)


def lake_in(spark: SparkSession, platform: FolderPlatform, contracts: Contracts) -> SparkLake:
    return SparkLake(session_of(spark, platform), platform, contracts, FixedClock(NOON))


def compiled(lake: SparkLake) -> SparkLake:
    """The lake whose plans are compiled from now on, as they are on EMR: those of quick jobs are interpreted."""
    for key, value in {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "CODEGEN_ONLY"}.items():
        lake.spark.conf.set(key, value)
    return lake


def _make_tables(platform: FolderPlatform, contracts: Contracts) -> None:
    for contract in contracts.values():
        prepare_tables(platform, contract)


def copy_tables(source: Path, target: Path) -> None:
    """Tables know where they lie, in their metadata and in the catalog."""
    shutil.copytree(source, target)
    for file in (target / "lake").rglob("*.metadata.json"):
        file.write_text(file.read_text().replace(source.as_uri(), target.as_uri()))
    with contextlib.closing(sqlite3.connect(target / "lake" / "catalog.db")) as catalog, catalog:
        places = ("metadata_location", "previous_metadata_location")
        catalog.execute(
            "UPDATE iceberg_tables SET " + ", ".join(f"{place} = replace({place}, :source, :target)" for place in places),
            {"source": source.as_uri(), "target": target.as_uri()},
        )


def at(minutes: float = 0, start: datetime = NOON) -> datetime:
    return start + timedelta(minutes=minutes)


def reading(
    contract: Contract, device_id: str = "engine-1", minutes: float = 0, seq: int = 0, boot: str = "b1", **changes: Any
) -> dict[str, Any]:
    """A bronze row measured `minutes` after NOON, each field in the middle of its range; `changes` replace columns."""
    event_time = at(minutes)
    ts = int(event_time.timestamp() * 1000)
    row = {column.name: None for column in bronze(contract).columns} | {
        "event_id": event_id(device_id, contract.name, ts, boot, seq),
        "device_id": device_id,
        "event_time": event_time,
        "boot": boot,
        "seq": seq,
        "received_at": event_time + timedelta(seconds=2),
        "trace_id": "trace",
        "principal": "principal",
        "client_id": device_id,
        "topic": f"dt/fleetlake/{device_id}/{contract.name}",
    }
    return row | {field.name: _middle(field) for field in contract.fields} | changes


def put_bronze(lake: SparkLake, contract_name: str, rows: Sequence[dict[str, Any]], put_at: datetime | None = None, name: str = "") -> str:
    """Write `rows` as one bronze object and return its key; `name` (64 hex digits) is in place of the content's digest."""
    contract = lake.contracts[contract_name]
    digest = name or hashlib.sha256(repr(sorted(repr(sorted(row.items())) for row in rows)).encode()).hexdigest()
    key = bronze_object(contract_name, put_at or lake.clock.now(), digest)
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=arrow_schema(bronze(contract))), sink, compression="zstd")
    lake.platform.client("s3").put_object(Bucket=lake.platform.lake_bucket, Key=key, Body=sink.getvalue())
    return key


def rows_of(lake: SparkLake, table: Table) -> list[dict[str, Any]]:
    """What a reader sees of `table`, by PyIceberg: another reader than the job that wrote it."""
    return list(open_catalog(lake.platform).load_table(table.name).scan().to_arrow().to_pylist())


def quarantined(lake: SparkLake, contract_name: str) -> list[dict[str, Any]]:
    folder = Path(lake.platform.object_uri(f"quarantine/{contract_name}").removeprefix("file://"))
    return [row for file in sorted(folder.rglob("*.parquet")) for row in pq.ParquetFile(file).read().to_pylist()]


def _middle(field: Any) -> Any:
    if field.type == "bool":
        return True
    if field.type == "string":
        return field.enum[0] if field.enum else "text"
    low = field.min if field.min is not None else 0.0
    high = field.max if field.max is not None else low + 100
    return int(low) + 1 if field.type == "int64" else (low + high) / 2


def _client_error(status: int, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "S3")
