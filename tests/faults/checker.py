"""The law by DuckDB alone: truth file against the lake's objects, with no code that the worker runs.

It reads Parquet files and JSON lines by SQL, computes each event_id by DuckDB's own SHA-256, and removes duplicates by
event_id as silver does. Each count of a `Finding` but `sent`, `visible` and `quarantined` must be 0.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

_TRUTH = {
    "contract": "VARCHAR", "device_id": "VARCHAR", "topic": "VARCHAR", "ts": "BIGINT", "boot": "VARCHAR", "seq": "BIGINT",
    "water": "DOUBLE", "index": "BIGINT", "content": "VARCHAR", "fate": "VARCHAR", "payload": "VARCHAR",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Readings, by identity."""

    sent: int
    visible: int
    quarantined: int
    dead: int
    # Sent, and in no place at all.
    lost: int
    # In silver more than once, whatever their event ids say.
    twice: int
    # In silver or quarantine, and never sent so.
    phantoms: int
    # In silver under an event_id that is not that of the device's message.
    misnamed: int
    # Readings both visible and quarantined.
    in_two_places: int
    # Bronze objects of one hour with the same readings under two names: a retry that did not meet its own object.
    same_object_twice: int

    @property
    def breaches(self) -> dict[str, int]:
        return {name: count for name, count in asdict(self).items() if count and name not in ("sent", "visible", "quarantined", "dead")}


def check(truth: Path, lake: Path, dead: Iterable[str] = ()) -> Finding:
    """`lake` has ``bronze/`` and ``quarantine/``; `dead` are the bodies of dead letters."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        _read(connection, truth, lake, dead)
        _derive(connection)
        return Finding(**{name: connection.execute(sql).fetchone()[0] for name, sql in _COUNTS.items()})


def _read(connection: duckdb.DuckDBPyConnection, truth: Path, lake: Path, dead: Iterable[str]) -> None:
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _TRUTH.items())
    connection.execute(
        "CREATE TABLE sent AS SELECT DISTINCT *, "
        "substr(sha256(concat_ws(chr(31), device_id, contract, ts::VARCHAR, boot, seq::VARCHAR)), 1, 32) AS event_id "
        f"FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}})",
        [str(truth)],
    )
    connection.execute("CREATE TABLE given_up (payload VARCHAR)")
    payloads = [[json.loads(text)["payload"]] for text in dead]
    if payloads:
        connection.executemany("INSERT INTO given_up VALUES (?)", payloads)
    _objects(
        connection,
        "bronze",
        lake,
        "event_id, device_id, epoch_ms(event_time) AS ts, boot, seq, water, trace_id, filename, "
        "regexp_extract(filename, 'bronze/([^/]+)/', 1) AS contract",
        "event_id VARCHAR, device_id VARCHAR, ts BIGINT, boot VARCHAR, seq BIGINT, water DOUBLE, trace_id VARCHAR, filename VARCHAR, contract VARCHAR",
    )
    _objects(
        connection,
        "quarantine",
        lake,
        'topic, "index", bytes, reason, filename',
        'topic VARCHAR, "index" BIGINT, bytes BLOB, reason VARCHAR, filename VARCHAR',
    )


def _objects(connection: duckdb.DuckDBPyConnection, name: str, lake: Path, selected: str, columns: str) -> None:
    files = [str(file) for file in (lake / name).rglob("*.parquet")]
    connection.execute(f"CREATE TABLE {name} ({columns})")
    if files:
        read = "read_parquet(?, filename = true, union_by_name = true, hive_partitioning = false)"
        connection.execute(f"INSERT INTO {name} SELECT {selected} FROM {read}", [files])


def _derive(connection: duckdb.DuckDBPyConnection) -> None:
    # As silver: of an event_id's rows one stays.
    connection.execute(
        "CREATE TABLE silver AS SELECT event_id, any_value(contract) AS contract, any_value(device_id) AS device_id, any_value(ts) AS ts, "
        "any_value(boot) AS boot, any_value(seq) AS seq, any_value(water) AS water FROM bronze GROUP BY event_id"
    )
    connection.execute('CREATE TABLE refused AS SELECT DISTINCT topic, "index", to_base64(bytes) AS content, reason FROM quarantine')


_SAME = "(contract, device_id, ts, boot, seq, water)"
_OF = "{0}.contract = {1}.contract AND {0}.device_id = {1}.device_id AND {0}.ts = {1}.ts AND {0}.boot = {1}.boot AND {0}.seq = {1}.seq AND {0}.water = {1}.water"
_SEEN = f"EXISTS (SELECT 1 FROM silver s WHERE {_OF.format('s', 'sent')})"
_REFUSED = 'EXISTS (SELECT 1 FROM refused r WHERE r.topic = sent.topic AND r."index" = sent."index" AND r.content = sent.content AND r.reason = sent.fate)'
_DEAD = "payload IN (SELECT payload FROM given_up)"
_COUNTS = {
    "sent": "SELECT count(*) FROM sent",
    "visible": f"SELECT count(*) FROM sent WHERE fate = 'bronze' AND {_SEEN}",
    "quarantined": f"SELECT count(*) FROM sent WHERE fate <> 'bronze' AND {_REFUSED}",
    "dead": f"SELECT count(*) FROM sent WHERE {_DEAD}",
    "lost": f"SELECT count(*) FROM sent WHERE NOT (CASE WHEN fate = 'bronze' THEN {_SEEN} ELSE {_REFUSED} END) AND NOT {_DEAD}",
    "twice": f"SELECT count(*) FROM (SELECT 1 FROM silver GROUP BY {_SAME[1:-1]} HAVING count(*) > 1)",
    "phantoms": f"SELECT (SELECT count(*) FROM silver WHERE NOT EXISTS (SELECT 1 FROM sent WHERE {_OF.format('silver', 'sent')})) + "
    '(SELECT count(*) FROM refused WHERE NOT EXISTS (SELECT 1 FROM sent WHERE sent.topic = refused.topic AND sent."index" = refused."index" '
    "AND sent.content = refused.content))",
    "misnamed": f"SELECT count(*) FROM silver JOIN sent ON {_OF.format('silver', 'sent')} WHERE silver.event_id <> sent.event_id",
    "in_two_places": f"SELECT count(*) FROM sent WHERE {_SEEN} AND EXISTS (SELECT 1 FROM refused r WHERE r.topic = sent.topic "
    'AND r."index" = sent."index" AND r.content = sent.content)',
    "same_object_twice": "SELECT count(*) FROM (SELECT 1 FROM (SELECT filename, regexp_replace(filename, '[^/]*$', '') AS folder, "
    "sum(hash(event_id)::HUGEINT) AS content, count(*) AS rows FROM bronze GROUP BY ALL) GROUP BY folder, content, rows HAVING count(*) > 1)",
}
