"""Where a prediction comes from: its model, its feature row, the reading, the run that let it in, the bronze object, the message.

Everything is read from the tables and from the bronze objects that the ledger names. A prediction is named by its key, as
``contract/model/version/device_id/at``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from pyiceberg.expressions import And, EqualTo

from lake import history
from lake.publications import Publication, read_ledger, read_publications
from lake.query import sql
from lake.tables import PREDICTIONS
from runtime.errors import UserError
from runtime.platforms import Platform

_MESSAGE = ("topic", "principal", "client_id", "trace_id", "received_at", "boot", "seq")


@dataclass(frozen=True)
class PredictionKey:
    contract: str
    model: str
    version: str
    device_id: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.contract}/{self.model}/{self.version}/{self.device_id}/{self.at.isoformat()}"

    @classmethod
    def of(cls, text: str) -> "PredictionKey":
        """Raises UserError for a text that is no such name."""
        words = text.split("/")
        at = _moment(words[-1])
        if len(words) != 5 or at is None or not all(words):
            raise UserError(
                f"lineage of prediction {text!r}: a prediction is named by contract/model/version/device/time, "
                "such as turbofan/rul/20260301T120000-3f2a/engine-1/2026-03-01T12:00:00+00:00"
            )
        contract, model, version, device, _ = words
        return cls(contract, model, version, device, at)


@dataclass(frozen=True)
class Run:
    """A publication that a step was let in by. `known_at` is None where it is noted nowhere that it became visible."""

    run_id: str
    known_at: datetime | None


@dataclass(frozen=True)
class Model:
    """The training run of the version; as ops.model_runs tells it."""

    as_of: datetime | None
    features_snapshot: int | None
    code_version: str | None
    artifact: str | None
    trained_at: datetime


@dataclass(frozen=True)
class Features:
    """The feature rows that the prediction is of. `is_as_it_was`: read at the snapshot that it was made from, which is kept."""

    snapshot: int
    is_as_it_was: bool
    runs: tuple[Run, ...]
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """One delivery of the reading: where it lies in bronze, and the message it came in."""

    object: str
    row: int
    topic: str
    principal: str | None
    client_id: str | None
    trace_id: str | None
    received_at: datetime
    boot: str | None
    seq: int | None


@dataclass(frozen=True)
class Reading:
    """A row of silver, the run that it came by, and its deliveries in that run's objects. `superseded_by`: the rebuild that replaced it."""

    event_id: str
    event_time: datetime
    run: Run
    superseded_by: str | None
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Lineage:
    key: PredictionKey
    score: float | None
    label: str | None
    run: Run
    model: Model | None
    features: Features
    readings: tuple[Reading, ...]


def of_prediction(platform: Platform, text: str) -> Lineage:
    """The lineage of the prediction named so. Raises UserError for a name of none."""
    key = PredictionKey.of(text)
    row = _prediction(platform, key)
    published = _Runs(platform, PREDICTIONS.name, key.contract)
    features = _features(platform, key, row["features_snapshot"], published.inputs(row["run_id"]))
    readings = tuple(found for event_id in features.event_ids for found in _readings(platform, key.contract, event_id))
    return Lineage(key, row["score"], row["label"], published.run(row["run_id"]), _model(platform, key), features, readings)


class _Runs:
    """The publications of a contract to a table, by run."""

    def __init__(self, platform: Platform, table: str, contract: str) -> None:
        self._found: dict[str, Publication] = {run.run_id: run for run in read_publications(platform, table, contract)}

    def run(self, run_id: str) -> Run:
        found = self._found.get(run_id)
        return Run(run_id, found.known_at if found else None)

    def inputs(self, run_id: str) -> tuple[str, ...]:
        found = self._found.get(run_id)
        return found.inputs if found else ()

    def published_at(self, snapshot: int) -> list[str]:
        return [run.run_id for run in self._found.values() if run.snapshot_id == snapshot]


def _prediction(platform: Platform, key: PredictionKey) -> dict[str, Any]:
    columns = "score, label, features_snapshot, run_id"
    where = 'contract = ? AND model = ? AND version = ? AND device_id = ? AND "at" = ?'
    text = f"SELECT {columns} FROM gold.predictions WHERE {where}"  # noqa: S608 - constants
    rows = sql(text, platform=platform, parameters=[*vars(key).values()]).table.to_pylist()
    if not rows:
        raise UserError(f"lineage of prediction {key}: there is no such prediction; {_near(platform, key)}")
    return dict(rows[0])


def _near(platform: Platform, key: PredictionKey) -> str:
    """What a person who named it wrongly may have meant."""
    text = 'SELECT contract, model, version, device_id, "at" FROM gold.predictions WHERE contract = ? AND device_id = ? ORDER BY "at" DESC LIMIT 1'
    rows = sql(text, platform=platform, parameters=[key.contract, key.device_id]).rows
    return f"the newest of {key.device_id} is {PredictionKey(*rows[0])}" if rows else f"{key.device_id} has none in contract {key.contract}"


def _model(platform: Platform, key: PredictionKey) -> Model | None:
    text = (
        "SELECT as_of, features_snapshot, code_version, artifact, recorded_at FROM ops.model_runs "
        "WHERE model = ? AND version = ? AND kind = 'train' ORDER BY recorded_at LIMIT 1"
    )
    rows = sql(text, platform=platform, parameters=[key.model, key.version]).rows
    return Model(*rows[0]) if rows else None


def _features(platform: Platform, key: PredictionKey, snapshot: int, inputs: Iterable[str]) -> Features:
    """The rows at the snapshot that was scored; as they are now where it was expired."""
    name = f"features.{key.contract}"
    iceberg = history.load(platform, name)
    assert iceberg is not None, f"{name} was scored and is not there"
    is_kept = iceberg.snapshot_by_id(snapshot) is not None
    wanted = And(EqualTo("device_id", key.device_id), EqualTo("at", key.at.isoformat()))
    scan = iceberg.scan(row_filter=wanted, selected_fields=("event_id",), snapshot_id=snapshot if is_kept else None)
    published = _Runs(platform, name, key.contract)
    runs = published.published_at(snapshot) or [_run_of(name, text) for text in inputs if text.startswith(f"{name}:")]
    identities = sorted(set(scan.to_arrow()["event_id"].to_pylist()))
    return Features(snapshot, is_kept, tuple(published.run(run) for run in runs), tuple(identities))


def _run_of(table: str, input_name: str) -> str:
    """``features.turbofan:RUN@VERSION`` is how a prediction run names what it scored."""
    return input_name.removeprefix(f"{table}:").rpartition("@")[0]


def _readings(platform: Platform, contract: str, event_id: str) -> list[Reading]:
    """Silver's row, and those that rebuilds replaced."""
    published = _Runs(platform, f"silver.{contract}", contract)
    text = (
        f"SELECT event_time, run_id, NULL AS superseded_by FROM silver.{contract} WHERE event_id = ? "  # noqa: S608 - a contract's name
        f"UNION ALL SELECT event_time, run_id, superseded_by FROM silver.{contract}_superseded WHERE event_id = ?"
    )
    rows = sql(text, platform=platform, parameters=[event_id, event_id]).rows
    return [
        Reading(event_id, event_time, published.run(run_id), superseded_by, _messages(platform, contract, run_id, event_id, event_time))
        for event_time, run_id, superseded_by in rows
        if superseded_by is None or published.run(superseded_by).known_at is not None
    ]


def _messages(platform: Platform, contract: str, run_id: str, event_id: str, event_time: datetime) -> tuple[Message, ...]:
    """The reading's deliveries in the objects that the run planned; a rebuild plans none, and takes from all that were planned before."""
    plans = read_ledger(platform, contract)
    own = [plan for plan in plans if plan.run_id == run_id] or plans
    keys = {plan.object for plan in own if _covers(plan.min_event_time, plan.max_event_time, event_time)}
    return tuple(message for key in sorted(keys) for message in _in_object(platform, key, event_id))


def _covers(first: datetime | None, last: datetime | None, at: datetime) -> bool:
    return first is None or last is None or first <= at <= last


def _in_object(platform: Platform, key: str, event_id: str) -> list[Message]:
    """Nothing where the object is gone or cannot be read: what is known of it is then the ledger's row."""
    filesystem, path = pafs.FileSystem.from_uri(platform.object_uri(key))
    try:
        table = pq.read_table(path, columns=["event_id", *_MESSAGE], filesystem=filesystem)
    except (OSError, pa.ArrowException):
        return []
    numbered = table.append_column("row", pa.array(range(table.num_rows), pa.int64()))
    found = numbered.filter(pc.equal(numbered["event_id"], event_id)).select(["row", *_MESSAGE])
    return [Message(key, **row) for row in found.to_pylist()]


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
