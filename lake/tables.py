"""Every table of the lake, declared once. Spark, DAGs, the catalog, queries and the docs page read it from here.

Types: string, int64, int32, float64, bool, binary, date, timestamp (UTC, microseconds).
"""

from collections.abc import Iterable

from lake.contracts import Contract, Field
from lake.ops_tables import LEDGER as LEDGER
from lake.ops_tables import MAINTENANCE as MAINTENANCE
from lake.ops_tables import MODEL_RUNS as MODEL_RUNS
from lake.ops_tables import OPS as OPS
from lake.ops_tables import PUBLICATIONS as PUBLICATIONS
from lake.ops_tables import QUALITY_FAILURES as QUALITY_FAILURES
from lake.ops_tables import QUALITY_RUNS as QUALITY_RUNS
from lake.table import CONTRACT, COPY_ON_WRITE, RUN_ID
from lake.table import Column as Column
from lake.table import Table as Table

_EVENT_ID = Column("event_id", "string", "identity of the reading: first 32 hex digits of a SHA-256", required=True)
_DEVICE_ID = Column("device_id", "string", "the device, from the topic that its certificate is bound to", required=True)
_EVENT_TIME = Column("event_time", "timestamp", "when the device measured it", required=True)


def _field_column(field: Field) -> Column:
    return Column(field.name, field.type, field.description, field.unit)


def _reading_columns(contract: Contract) -> tuple[Column, ...]:
    return (
        *(_field_column(field) for field in contract.fields),
        Column("_extra", "string", "fields that the contract does not know, as JSON; null when there are none"),
    )


_ENVELOPE = (
    Column("boot", "string", "start of the device that the reading belongs to"),
    Column("seq", "int64", "count of the reading within its boot"),
    Column("received_at", "timestamp", "when AWS IoT's rule saw the message", required=True),
    Column("trace_id", "string", "AWS IoT's trace id of the message"),
)


def bronze(contract: Contract) -> Table:
    columns = (
        *(_EVENT_ID, _DEVICE_ID, _EVENT_TIME, *_ENVELOPE),
        Column("principal", "string", "certificate that published it"),
        Column("client_id", "string", "MQTT client that published it"),
        Column("topic", "string", "MQTT topic it came on"),
        *_reading_columns(contract),
    )
    words = f"Readings of {contract.name} as received and valid; append-only, may hold duplicates."
    return Table(f"bronze.{contract.name}", columns, (), "ingest_date, ingest_hour", words, format="parquet")


QUARANTINE_COLUMNS = (
    Column("quarantine_id", "string", "SHA-256 of topic, bytes and index", required=True),
    Column("contract", "string", "contract named by the topic", required=True),
    Column("device_id", "string", "device named by the topic", required=True),
    Column("topic", "string", "MQTT topic it came on", required=True),
    Column("received_at", "timestamp", "when AWS IoT's rule saw the message"),
    Column("principal", "string", "certificate that published it"),
    Column("client_id", "string", "MQTT client that published it"),
    Column("trace_id", "string", "AWS IoT's trace id of the message"),
    Column("boot", "string", "the pack's head"),
    Column("bytes", "binary", "the reading's own bytes; the whole message where it could not be split", required=True),
    Column("index", "int64", "place in the pack; null for a whole message"),
    Column("reason", "string", "reason code", required=True),
    Column("detail", "string", "what exactly was wrong"),
    Column("event_id", "string", "identity of the reading where one can be computed"),
    Column("origin", "string", "decode, silver or gate: where it was refused", required=True),
)


def quarantine(contract: str) -> Table:
    words = f"Readings for {contract} that were refused, with their bytes and the reason."
    return Table(f"quarantine.{contract}", QUARANTINE_COLUMNS, ("quarantine_id",), "ingest_date, reason", words, format="parquet")


REPLAYED_COLUMNS = (
    Column("quarantine_id", "string", "the quarantined row that was replayed", required=True),
    Column("contract", "string", "contract named by the topic", required=True),
    Column("reason", "string", "why it had been refused", required=True),
    Column("event_id", "string", "identity of a reading of it that went to bronze; null for one that was refused again"),
    Column("refused_id", "string", "quarantine_id of a reading of it that was refused again, by itself"),
    Column("bytes", "binary", "that reading's own bytes", required=True),
    Column("contract_version", "int64", "version of the contract that it passed", required=True),
    Column("replayed_at", "timestamp", "when it was replayed", required=True),
)


def replayed(contract: str) -> Table:
    words = f"Readings out of quarantine.{contract} that were decoded again; their rows stay there, and no longer count as quarantined."
    key = ("quarantine_id", "event_id", "refused_id")
    return Table(f"replayed.{contract}", REPLAYED_COLUMNS, key, "ingest_date", words, format="parquet")


def silver(contract: Contract) -> Table:
    columns = (_EVENT_ID, _DEVICE_ID, _EVENT_TIME, *_ENVELOPE, RUN_ID, *_reading_columns(contract))
    words = f"{contract.description} One row per reading."
    sort = ("device_id", "event_time")
    return Table(f"silver.{contract.name}", columns, ("event_id",), "day(event_time)", words, sort, properties=COPY_ON_WRITE)


def superseded(contract: Contract) -> Table:
    columns = (*silver(contract).columns, Column("superseded_by", "string", "the rebuild that replaced the row", required=True))
    words = f"Rows of silver.{contract.name} that a rebuild replaced; empty as a rule."
    key = ("event_id", "superseded_by")
    return Table(f"silver.{contract.name}_superseded", columns, key, "day(event_time)", words, properties=COPY_ON_WRITE)


def _hourly_columns(field: Field) -> tuple[Column, ...]:
    if field.type == "bool":
        return (Column(f"{field.name}_share_true", "float64", f"share of readings with {field.name}"),)
    if field.type == "string":
        return (Column(f"{field.name}_last", "string", f"last {field.name} of the hour"),)
    statistics = (("min", field.type), ("max", field.type), ("mean", "float64"), ("last", field.type))
    values = (Column(f"{field.name}_{name}", kind, f"{name} of {field.name}", field.unit) for name, kind in statistics)
    return (Column(f"{field.name}_count", "int64", f"readings with a {field.name}; null where there is none"), *values)


def gold_hourly(contract: Contract) -> Table:
    """Only measurements have one: the values of an event are not rolled up."""
    columns = (
        _DEVICE_ID,
        Column("hour", "timestamp", "start of the hour", required=True),
        Column("readings", "int64", "readings in the hour"),
        Column("gaps", "int64", "gaps that end in the hour: neighbouring readings more than 1.5 cadences apart"),
        Column("gap_seconds", "float64", "length of those gaps together", "s"),
        *(column for field in contract.fields for column in _hourly_columns(field)),
    )
    words = f"Hours of each device of {contract.name}."
    return Table(f"gold.{contract.name}_hourly", columns, ("device_id", "hour"), "day(hour)", words, properties=COPY_ON_WRITE)


DEVICE_DAILY = Table(
    "gold.device_daily",
    (
        CONTRACT,
        _DEVICE_ID,
        Column("day", "date", "the day, UTC", required=True),
        Column("readings", "int64", "readings measured on the day"),
        Column("gaps", "int64", "gaps that end on the day; null for events"),
        Column("quarantined", "int64", "different rows received on the day that were quarantined, replayed ones too"),
        Column("uptime_seconds", "float64", "cadence slots of the day that have a reading; null for events", "s"),
        Column("first_seen", "timestamp", "first reading of the day"),
        Column("last_seen", "timestamp", "last reading of the day"),
    ),
    ("contract", "device_id", "day"),
    "month(day)",
    "Days of each device, all contracts.",
    properties=COPY_ON_WRITE,
)

DEVICE_HEALTH = Table(
    "gold.device_health",
    (
        CONTRACT,
        Column("device_id", "string", "the device; * is the fleet of the contract", required=True),
        Column("state", "string", "online or offline; of the fleet well or silent", required=True),
        Column("changed_at", "timestamp", "since when it is so; the newest row of a device is its state", required=True),
        Column("last_seen", "timestamp", "when something arrived of it last"),
        Column("usual_seconds", "float64", "usual time between two arrivals, as learnt; null where too few have arrived", "s"),
        Column("why", "string", "what the state was told by"),
        RUN_ID,
    ),
    ("contract", "device_id", "changed_at"),
    "month(changed_at)",
    "Devices that went offline or came back, all contracts; insert-only.",
    properties=COPY_ON_WRITE,
)

FEATURE_STATISTICS = ("mean_5", "mean_30", "std_30", "slope_30", "from_first_20")


def features(contract: Contract) -> Table:
    """Only measurements have features: values as of a reading and causal statistics of its device's life up to it."""
    numbers = [field for field in contract.numbers if not field.lifetime_counter]
    columns = (
        _DEVICE_ID,
        Column("at", "timestamp", "event time of the reading", required=True),
        _EVENT_ID,
        Column("life", "int64", "lives of the device, counted from 1; a falling lifetime counter begins one"),
        Column("reading_number", "int64", "readings of the life up to this one"),
        Column("seconds_since_previous", "float64", "since the reading before, in the same life", "s"),
        *(_field_column(field) for field in contract.numbers),
        *(Column(f"{f.name}_{name}", "float64", f"{name} of {f.name}", f.unit) for f in numbers for name in FEATURE_STATISTICS),
    )
    words = f"Causal features of {contract.name}: one definition for training, batch and live scoring."
    sort = ("device_id", "at")
    return Table(f"features.{contract.name}", columns, ("device_id", "at", "event_id"), "day(at)", words, sort, properties=COPY_ON_WRITE)


PREDICTIONS = Table(
    "gold.predictions",
    (
        CONTRACT,
        Column("model", "string", "name of the model", required=True),
        Column("version", "string", "version of the model", required=True),
        _DEVICE_ID,
        Column("at", "timestamp", "event time of the reading the prediction is as of", required=True),
        Column("score", "float64", "the prediction, in the model's unit"),
        Column("lower", "float64", "lower end of its interval"),
        Column("upper", "float64", "upper end of its interval"),
        Column("threshold", "float64", "the score from which the label is given"),
        Column("label", "string", "what the score means"),
        Column("features_snapshot", "int64", "snapshot of the features table it was made from"),
        RUN_ID,
    ),
    ("contract", "model", "version", "device_id", "at"),
    "day(at)",
    "Predictions of all models; insert-only, the first published stays.",
    properties=COPY_ON_WRITE,
)


# In which all contracts have rows of their devices.
SHARED_TABLES = (DEVICE_DAILY, DEVICE_HEALTH, PREDICTIONS)


def contract_tables(contract: Contract) -> tuple[Table, ...]:
    """The Iceberg tables that belong to one contract."""
    rollups = (gold_hourly(contract), features(contract)) if contract.is_measurement else ()
    return (silver(contract), superseded(contract), *rollups)


def iceberg_tables(contracts: Iterable[Contract]) -> tuple[Table, ...]:
    return (*(table for contract in contracts for table in contract_tables(contract)), *SHARED_TABLES, *OPS)


def lake_tables(contracts: Iterable[Contract]) -> tuple[Table, ...]:
    """Every table of the lake, Parquet ones too."""
    every = tuple(contracts)
    return (*(t for c in every for t in (bronze(c), quarantine(c.name), replayed(c.name))), *iceberg_tables(every))
