"""The append-only tables of operation: plans, publications, verdicts, model runs, proofs of maintenance."""

from lake.table import CONTRACT, COPY_ON_WRITE, RUN_ID, Column, Table

_OPS = (("commit.retry.num-retries", "20"), ("commit.retry.min-wait-ms", "50"), *COPY_ON_WRITE)

_RECORDED_AT = Column("recorded_at", "timestamp", "when this row was written", required=True)

LEDGER = Table(
    "ops.ledger",
    (
        RUN_ID,
        CONTRACT,
        Column("object", "string", "key of the bronze object", required=True),
        Column("rows", "int64", "readings in it"),
        Column("min_event_time", "timestamp", "its earliest reading"),
        Column("max_event_time", "timestamp", "its latest reading"),
        Column("base_snapshot", "int64", "snapshot of silver that the run was planned on; null on an empty table"),
        Column("planned_at", "timestamp", "when it was planned", required=True),
        Column("replaces", "string", "key of the object that it took the place of when a device was erased; of no rows: nothing did"),
    ),
    ("run_id", "object"),
    "",
    "What each run planned to read.",
    properties=_OPS,
)

PUBLICATIONS = Table(
    "ops.publications",
    (
        RUN_ID,
        Column("table_name", "string", "table that was published to", required=True),
        CONTRACT,
        Column("state", "string", "publishing, visible, abandoned, held, accepted or refused", required=True),
        Column("snapshot_id", "int64", "snapshot of the run's branch"),
        Column("base_snapshot", "int64", "snapshot of main that the branch was made from"),
        Column("inputs", "string", "JSON list of the publications and objects it was made from"),
        Column("related_run", "string", "the run that it accepts, or that accepted it"),
        Column("why", "string", "the person's reason"),
        Column("who", "string", "the person"),
        _RECORDED_AT,
    ),
    ("run_id", "table_name"),
    "",
    "What became of each run on each table; append-only, the newest row counts, of visible the first.",
    properties=_OPS,
    words=("why",),
)

QUALITY_RUNS = Table(
    "ops.quality_runs",
    (
        RUN_ID,
        CONTRACT,
        Column("check_name", "string", "the check", required=True),
        Column("field", "string", "the field it is about; null for the table"),
        Column("status", "string", "passed, failed, warned (the contract lets this check hold no run) or waived", required=True),
        Column("observed", "float64", "what was seen"),
        Column("threshold", "float64", "what was allowed"),
        Column("failing_rows", "int64", "rows that fail it; ops.quality_failures has them"),
        Column("sample", "string", "JSON list of those that a person would look at first"),
        Column("sentence", "string", "the verdict in words"),
        _RECORDED_AT,
    ),
    ("run_id", "check_name", "field"),
    "",
    "Verdicts of the quality gate.",
    properties=_OPS,
    words=("sample", "sentence"),
)

QUALITY_FAILURES = Table(
    "ops.quality_failures",
    (
        RUN_ID,
        CONTRACT,
        Column("check_name", "string", "the check that did not pass", required=True),
        Column("field", "string", "the field it is about; null for the table"),
        Column("device_id", "string", "the device; null where the row is about the fleet"),
        Column("event_time", "timestamp", "when it was measured; of completeness the hour, of volume the day"),
        Column("event_id", "string", "the reading; null where the row is about no single one"),
        Column("since", "timestamp", "stuck: since when the field has had this value"),
        Column("value", "float64", "the field's value as a number; of completeness and volume what was observed"),
        Column("readings", "int64", "readings that the row stands for: missing ones of completeness"),
        Column("detail", "string", "what else there is to say"),
        _RECORDED_AT,
    ),
    ("run_id", "check_name", "field", "device_id", "event_time", "event_id"),
    "",
    "What is behind each check that did not pass: its readings, hours, days or reasons, up to 5,000 a check.",
    properties=_OPS,
    words=("detail",),
)

MODEL_RUNS = Table(
    "ops.model_runs",
    (
        Column("model", "string", "name of the model", required=True),
        Column("version", "string", "version of the model", required=True),
        Column("kind", "string", "train, evaluate, promote, rollback or erase", required=True),
        Column("as_of", "timestamp", "knowledge it was trained or evaluated on"),
        Column("features_snapshot", "int64", "snapshot of the features table"),
        Column("metrics", "string", "JSON of figures"),
        Column("params", "string", "JSON of parameters"),
        Column("code_version", "string", "commit or package hash of the code"),
        Column("artifact", "string", "key of the model's artifact"),
        Column("state", "string", "what came of it", required=True),
        _RECORDED_AT,
    ),
    ("model", "version", "kind", "recorded_at"),
    "",
    "Training, evaluation and promotion of models.",
    properties=_OPS,
)

MAINTENANCE = Table(
    "ops.maintenance",
    (
        RUN_ID,
        Column("action", "string", "compact, expire, remove_orphans, retain or erase", required=True),
        Column("table_name", "string", "table or place that it was done to", required=True),
        Column("verdict", "string", "begun, holds, refused or done", required=True),
        Column("rows_before", "int64", "rows before"),
        Column("rows_after", "int64", "rows after"),
        Column("hash_before", "string", "multiset hash of the rewritten rows that were to stay, before"),
        Column("hash_after", "string", "the same, after"),
        Column("rows_compared", "int64", "rows under these hashes; all others lie in files that nobody touched"),
        Column("files_before", "int64", "data files before"),
        Column("files_after", "int64", "data files after"),
        Column("bytes_before", "int64", "their size before", "B"),
        Column("bytes_after", "int64", "their size after", "B"),
        Column("snapshot_before", "int64", "main's snapshot before"),
        Column("snapshot_after", "int64", "the snapshot that was made, published by the run of this id"),
        Column("subject", "string", "erase: SHA-256 of salt and device, never the device"),
        Column("salt", "string", "erase: what was hashed before the device"),
        Column("why", "string", "the person's reason"),
        Column("who", "string", "the person"),
        Column("detail", "string", "what was done, in words"),
        _RECORDED_AT,
    ),
    ("run_id", "action", "table_name", "recorded_at"),
    "",
    "Proofs of maintenance: what each action left as it was, and what it took away.",
    properties=_OPS,
    words=("why", "detail"),
)

OPS = (LEDGER, PUBLICATIONS, QUALITY_RUNS, QUALITY_FAILURES, MODEL_RUNS, MAINTENANCE)
