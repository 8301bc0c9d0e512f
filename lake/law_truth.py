"""What devices sent, read from truth files into the table `sent`: a row a line, with the identity that the law goes by.

A truth file is JSON lines of kind `run`, `reading`, `ack`, `end`, as the simulator writes it before and after each publish.
A reading that has values is known by its event id and the digest of those values, so that a resend is the same reading and a
conflict another; one without is known by its quarantine id: SHA-256 over topic, place in the pack and bytes.

    sent   contract, device_id, identity, event_id, digest, quarantine_id, acknowledged, fate, fault, topic, bytes, told, sent_at, ts_ms
           `told` says which reading it is, in words
"""

# ruff: noqa: S608 - SQL is made here from contracts and file names

import base64
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from lake.contracts import Contract, Contracts
from lake.identity import canonical_json, event_id_of_content
from lake.law_values import digest_of_json
from runtime.errors import LawUnknown, UserError

FORMAT = 1
_COLUMNS = {
    **dict.fromkeys(
        ("kind", "message", "topic", "device_id", "contract", "bytes", "boot", "event_id", "fault", "fate", "result"), "VARCHAR"
    ),
    **dict.fromkeys(("index", "seq", "ts_ms", "format"), "BIGINT"),
    "values": "JSON",
    "sent_at": "VARCHAR",
}
_QUARANTINE_ID = "sha256(encode(topic || chr(31) || COALESCE(index::VARCHAR, '') || chr(31)) || content)"
_TOLD = (
    "concat_ws(', ', contract || ' of ' || device_id, 'boot ' || boot, 'seq ' || seq, "
    "'measured ' || CASE WHEN abs(ts_ms) < 1e14 THEN strftime(make_timestamp(ts_ms * 1000), '%Y-%m-%dT%H:%M:%S.%gZ') ELSE ts_ms::VARCHAR END, 'event id ' || event_id, "
    "'message ' || message || COALESCE(' reading ' || index, ''), 'fault ' || fault)"
)


def read_truth(connection: Any, files: Sequence[Path], contracts: Contracts, table: str = "sent") -> None:
    """Make `table` of this module's docstring from `files`. Raises UserError for a file that is no truth file, LawUnknown where there is no
    line in any."""
    _read_lines(connection, files)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table}_raw AS SELECT * REPLACE (CASE WHEN json_type(values) = 'OBJECT' THEN values END AS values), "
        "from_base64(bytes) AS content FROM truth_line WHERE kind = 'reading'"
    )
    _identify_by_content(connection, table)
    selects = [_select(contract, table) for contract in contracts.values()]
    # A contract that the lake does not know has no digest; its readings end in quarantine, known by their bytes.
    others = ", ".join(f"'{name}'" for name in contracts) or "''"
    selects.append(_select(None, table, f"contract NOT IN ({others})"))
    acknowledged = "SELECT DISTINCT message FROM truth_line WHERE kind = 'ack' AND result = 'acknowledged'"
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT * EXCLUDE (message, values, digest), "
        # Not inside the digest's own SELECT: DuckDB would then parse the JSON anew for each field.
        "CASE WHEN values IS NOT NULL THEN digest END AS digest, "
        "CASE WHEN values IS NULL THEN quarantine_id ELSE event_id || ' ' || COALESCE(digest, '') END AS identity, "
        f"message IN ({acknowledged}) AS acknowledged FROM ({' UNION ALL '.join(selects)})"
    )
    connection.execute(f"DROP TABLE {table}_raw; DROP TABLE truth_line")


def _read_lines(connection: Any, files: Sequence[Path]) -> None:
    for file in files:
        if file.is_dir():
            raise UserError(f"truth {file}: it is a folder; name a file in it")
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE truth_line AS SELECT * FROM read_json([{names}], columns = {{{columns}}}, "
            "format = 'newline_delimited', ignore_errors = true, filename = true)"
        )
    except duckdb.Error as error:
        raise UserError(f"truth {', '.join(str(file) for file in files)}: cannot be read: {str(error).splitlines()[0]}") from None
    broken = dict(connection.execute("SELECT filename, count(*) FROM truth_line WHERE kind IS NULL GROUP BY 1").fetchall())
    formats = dict(connection.execute("SELECT filename, max(format) FROM truth_line WHERE kind = 'run' GROUP BY 1").fetchall())
    for file in files:
        _check(file, broken.get(str(file), 0), formats.get(str(file)))
    if not connection.execute("SELECT count(*) FROM truth_line WHERE kind IS NOT NULL").fetchone()[0]:
        # A machine that died at the beginning of a run leaves such a file: beside others it takes nothing from what they say.
        raise LawUnknown(f"truth {', '.join(str(file) for file in files)}: no whole line is there, so nothing says what was sent")


def _check(file: Path, broken: int, written_format: int | None) -> None:
    # Only a machine that died leaves a broken line, and only as the last one.
    if broken > (0 if _ends_whole(file) else 1):
        raise UserError(f"truth {file}: {broken} lines are not what the simulator writes; give the file of a run of simulate or replay")
    if written_format is not None and written_format != FORMAT:
        raise UserError(f"truth {file}: its format is {written_format}, known here is {FORMAT}; use the fleetlake that wrote it")


def _ends_whole(file: Path) -> bool:
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 1))
        return size == 0 or stream.read(1) == b"\n"


def _select(contract: Contract | None, table: str, condition: str = "") -> str:
    digest = digest_of_json(contract, "values") if contract else "NULL"
    chosen = f"contract = '{contract.name}'" if contract else condition
    return (
        f"SELECT message, contract, device_id, COALESCE(event_id, content_id) AS event_id, values, topic, content AS bytes, fate, fault, "
        f"{digest} AS digest, {_QUARANTINE_ID} AS quarantine_id, {_TOLD} AS told, TRY_CAST(sent_at AS TIMESTAMPTZ) AS sent_at, ts_ms "
        f"FROM {table}_raw LEFT JOIN content_identity USING (message, index) "
        f"WHERE {chosen}"
    )


def _identify_by_content(connection: Any, table: str) -> None:
    """Readings without boot or seq are known by their canonical JSON, which SQL cannot make; they are few."""
    connection.execute("CREATE OR REPLACE TEMP TABLE content_identity (message VARCHAR, index BIGINT, content_id VARCHAR)")
    found = connection.execute(
        f"SELECT message, index, device_id, contract, bytes FROM {table}_raw WHERE event_id IS NULL AND values IS NOT NULL"
    ).fetchall()
    rows = list(_content_identities(found))
    if rows:
        connection.executemany("INSERT INTO content_identity VALUES (?, ?, ?)", rows)


def _content_identities(found: Iterable[tuple[str, int, str, str, str]]) -> Iterable[tuple[str, int, str]]:
    for message, index, device_id, contract, text in found:
        document = json.loads(base64.b64decode(text))
        yield message, index, event_id_of_content(device_id, contract, canonical_json(document))
