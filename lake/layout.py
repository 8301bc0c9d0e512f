"""Where things lie: the only module that composes a path or an object key of the lake."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

CATALOG = "lake"
_MISSED = "timeseries_missed/"
UNKNOWN_CONTRACT = "_unknown"
_BRONZE = re.compile(r"bronze/([a-z0-9_]+)/ingest_date=(\d{4}-\d{2}-\d{2})/ingest_hour=(\d{2})/part-[0-9a-f]{64}\.parquet")

_QUARANTINE = re.compile(r"quarantine/([a-z0-9_]+)/ingest_date=(\d{4}-\d{2}-\d{2})/reason=([a-z0-9_]+)/part-[0-9a-f]{64}\.parquet")
_REPLAYED = re.compile(r"replayed/([a-z0-9_]+)/ingest_date=(\d{4}-\d{2}-\d{2})/part-[0-9a-f]{64}\.parquet")


@dataclass(frozen=True, order=True)
class IngestPartition:
    """An hour of arrival of one contract's bronze objects."""

    contract: str
    hour: datetime

    @property
    def prefix(self) -> str:
        return f"{bronze_prefix(self.contract)}ingest_date={self.hour:%Y-%m-%d}/ingest_hour={self.hour:%H}/"

    @property
    def end(self) -> datetime:
        return self.hour + timedelta(hours=1)


@dataclass(frozen=True, order=True)
class QuarantinePartition:
    """A day of one contract's quarantined rows of one reason."""

    contract: str
    day: date
    reason: str


def bronze_root() -> str:
    return "bronze/"


def bronze_prefix(contract: str) -> str:
    return f"{bronze_root()}{contract}/"


def bronze_object(contract: str, put_at: datetime, digest: str) -> str:
    """Key of a bronze object: partitioned by the time of the put, named by the SHA-256 of its content."""
    hour = put_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return f"{IngestPartition(contract, hour).prefix}part-{digest}.parquet"


def ingest_partition(key: str) -> IngestPartition | None:
    """The partition of a bronze key; None for a key that is not a bronze object."""
    match = _BRONZE.fullmatch(key)
    if match is None:
        return None
    return IngestPartition(match[1], datetime.fromisoformat(f"{match[2]}T{match[3]}:00:00+00:00"))


def quarantine_root() -> str:
    return "quarantine/"


def probe_object() -> str:
    """Key of the empty object by which a worker finds out whether it may write to the bucket; of no table."""
    return "probe/worker"


def missed_prefix(contract: str = "") -> str:
    """Where the notes lie of bronze objects that the time-series store missed, of one contract or of all."""
    return f"{_MISSED}{bronze_prefix(contract) if contract else ''}"


def missed_note(key: str) -> str:
    """Key of the note that the time-series store missed the bronze object `key`."""
    return f"{_MISSED}{key}"


def missed_object(note: str) -> str | None:
    """The bronze object that a note is about; None for a key that is no note."""
    key = note.removeprefix(_MISSED)
    return key if note.startswith(_MISSED) and ingest_partition(key) else None


def quarantine_prefix(contract: str) -> str:
    return f"{quarantine_root()}{contract}/"


def quarantine_day_prefix(contract: str, day: date) -> str:
    return f"{quarantine_prefix(contract)}ingest_date={day:%Y-%m-%d}/"


def quarantine_object(contract: str, put_at: datetime, reason: str, digest: str) -> str:
    return f"{quarantine_day_prefix(contract, put_at.astimezone(UTC).date())}reason={reason}/part-{digest}.parquet"


def quarantine_day(key: str) -> date | None:
    """The day on which a quarantine object was put; None for a key that is not one."""
    partition = quarantine_partition(key)
    return partition.day if partition else None


def quarantine_partition(key: str) -> QuarantinePartition | None:
    """The partition of a quarantine object; None for a key that is not one."""
    match = _QUARANTINE.fullmatch(key)
    return QuarantinePartition(match[1], date.fromisoformat(match[2]), match[3]) if match else None


def replayed_root() -> str:
    return "replayed/"


def replayed_prefix(contract: str) -> str:
    return f"{replayed_root()}{contract}/"


def replayed_object(contract: str, put_at: datetime, digest: str) -> str:
    """Key of a record of replayed rows, beside the quarantine of the same contract."""
    return f"{replayed_prefix(contract)}ingest_date={put_at.astimezone(UTC).date():%Y-%m-%d}/part-{digest}.parquet"


def replayed_day(key: str) -> date | None:
    """The day on which a record of replayed rows was put; None for a key that is not one."""
    match = _REPLAYED.fullmatch(key)
    return date.fromisoformat(match[2]) if match else None


def replayed_contract(key: str) -> str | None:
    match = _REPLAYED.fullmatch(key)
    return match[1] if match else None


def model_prefix(model: str, version: str) -> str:
    return f"models/{model}/{version}/"


def champion_key(model: str) -> str:
    return f"models/{model}/champion.json"


def model_run_key(model: str, run_id: str) -> str:
    """Where a training run notes the version it made."""
    return f"models/{model}/runs/{hashlib.sha256(run_id.encode()).hexdigest()}.json"


def table_identifier(table_name: str) -> str:
    """Name of an Iceberg table in Spark SQL: ``silver.turbofan`` is ``lake.silver.turbofan``."""
    return f"{CATALOG}.{table_name}"


def branch_name(run_id: str) -> str:
    """Name of a run's branch: Spark SQL takes it without quotes, and two run ids never share one."""
    safe = re.sub(r"[^A-Za-z0-9]", lambda match: f"_{ord(match[0]):x}_", run_id)
    return f"run_{safe}"


def run_of_branch(branch: str) -> str | None:
    """The run id that `branch_name` made the name of; None for a branch of another kind."""
    if re.fullmatch(r"run_(?:[A-Za-z0-9]|_[0-9a-f]+_)+", branch) is None:
        return None
    return re.sub(r"_([0-9a-f]+)_", lambda match: chr(int(match[1], 16)), branch.removeprefix("run_"))


def branch_identifier(table_name: str, branch: str) -> str:
    return f"{table_identifier(table_name)}.branch_{branch}"
