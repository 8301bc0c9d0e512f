"""Judging by SQL: the truth, the queues and the lake's places become a verdict."""

# ruff: noqa: S608 - SQL is made here from constants

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from lake.contracts import Contracts, sound_contracts
from lake.hops import truth_files
from lake.interruptible import interruptibly
from lake.law_gone import place_erased, place_expired
from lake.law_places import look
from lake.law_queues import Message, Queues
from lake.law_truth import read_truth
from lake.law_verdict import Breach, Place, Surprise, Tally, Verdict, Violation
from lake.maintenance import Proof, read_proofs
from lake.query_tables import QueryTables
from runtime.platforms import Platform

_SHOWN = 1_000


def judge(platform: Platform, files: Sequence[Path], ask: Callable[[], Queues]) -> Verdict:
    """What the truth `files` say was sent is judged; the home's others tell only what else was sent."""
    others = truth_files(platform.settings.home)
    folder = platform.settings.contracts_folder
    contracts = sound_contracts(folder)
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        # Truth before the queues, the queues before the lake: a reading can only have moved on.
        interruptibly(connection, lambda: read_truth(connection, files, contracts))
        queues = ask()
        interruptibly(connection, lambda: look(connection, platform, QueryTables(platform, contracts), contracts.values()))
        # After the lake: what an erasure took away while we looked is then known to be erased.
        proofs = read_proofs(platform)
        return interruptibly(connection, lambda: _weigh(connection, files, others, contracts, queues, folder, proofs))
    finally:
        connection.close()


def _weigh(
    connection: Any,
    files: Sequence[Path],
    others: Sequence[Path],
    contracts: Contracts,
    queues: Queues,
    folder: Path,
    proofs: Sequence[Proof],
) -> Verdict:
    _place(connection)
    _place_queued(connection, queues)
    place_erased(connection, proofs)
    place_expired(connection, contracts, proofs)
    _place_rest(connection, queues)
    gone = _place_gone(connection, contracts, folder)
    _find_phantoms(connection, list(dict.fromkeys([*files, *others])), contracts)
    return _verdict(connection, files, queues, gone)


def _place(connection: Any) -> None:
    """`judged`: each reading once, with its place."""
    connection.execute(
        "CREATE TABLE known AS SELECT contract, identity, any_value(event_id) AS event_id, any_value(digest) AS digest, "
        "any_value(device_id) AS device_id, bool_or(acknowledged) AS acknowledged, min(fate) AS fate, min(told) AS told, "
        "max(sent_at) AS sent_at, max(ts_ms) AS ts_ms "
        "FROM sent GROUP BY contract, identity"
    )
    connection.execute(
        "CREATE TABLE in_quarantine AS SELECT contract, identity, min(reason) AS reason FROM ("
        "SELECT s.contract, s.identity, q.reason FROM sent s JOIN seen_quarantined q USING (quarantine_id) UNION ALL "
        "SELECT k.contract, k.identity, q.reason FROM known k JOIN seen_quarantined q USING (contract, event_id, digest)) GROUP BY 1, 2"
    )
    connection.execute(_REPLAYED)
    seen = {place: f"(contract, event_id, digest) IN (SELECT (contract, event_id, digest) FROM seen_{table})" for place, table in _SEEN}
    connection.execute(
        "CREATE TABLE judged AS SELECT * REPLACE (COALESCE(is_replayed, false) AS is_replayed), "
        f"CASE WHEN is_replayed THEN replayed_to WHEN {seen[Place.VISIBLE]} THEN '{Place.VISIBLE}' WHEN {seen[Place.HELD]} THEN '{Place.HELD}' "
        f"WHEN reason IS NOT NULL THEN '{Place.QUARANTINED}' WHEN {seen[Place.WAITING]} THEN '{Place.WAITING}' END AS place "
        "FROM known LEFT JOIN in_quarantine USING (contract, identity) LEFT JOIN replays USING (contract, identity)"
    )


_SEEN = ((Place.VISIBLE, "silver"), (Place.HELD, "held"), (Place.WAITING, "waiting"))


# Of what was known by its bytes alone, and was replayed: where its readings are, and of several the one that is least far.
_REPLAYED = f"""
CREATE TABLE replays AS SELECT contract, identity, true AS is_replayed, CASE max(rank) WHEN 0 THEN '{Place.VISIBLE}' WHEN 1 THEN '{Place.QUARANTINED}'
    WHEN 2 THEN '{Place.HELD}' WHEN 3 THEN '{Place.WAITING}' END AS replayed_to
FROM (
    SELECT s.contract, s.identity, CASE
        WHEN (r.contract, r.event_id, r.digest) IN (SELECT (contract, event_id, digest) FROM seen_silver) THEN 0
        WHEN r.refused_id IN (SELECT quarantine_id FROM seen_quarantined) THEN 1
        WHEN (r.contract, r.event_id, r.digest) IN (SELECT (contract, event_id, digest) FROM seen_quarantined) THEN 1
        WHEN (r.contract, r.event_id, r.digest) IN (SELECT (contract, event_id, digest) FROM seen_held) THEN 2
        WHEN (r.contract, r.event_id, r.digest) IN (SELECT (contract, event_id, digest) FROM seen_waiting) THEN 3
        ELSE 4 END AS rank
    FROM sent s JOIN seen_replayed r USING (quarantine_id) WHERE s.digest IS NULL
) GROUP BY 1, 2
"""


def _place_queued(connection: Any, queues: Queues) -> None:
    """Readings in none of the lake's places: are their bytes in a message of a queue?"""
    if queues.dead:
        found = _carried(connection, queues.dead)
        connection.execute(
            f"UPDATE judged SET place = '{Place.DEAD_LETTER}' WHERE place IS NULL AND identity IN (SELECT unnest(?::VARCHAR[]))",
            [sorted(found)],
        )


def _place_rest(connection: Any, queues: Queues) -> None:
    rest = Place.LOST if queues.waiting == 0 else Place.UNKNOWN
    connection.execute(f"UPDATE judged SET place = '{rest}' WHERE place IS NULL")


def _place_gone(connection: Any, contracts: Contracts, folder: Path) -> tuple[str, ...]:
    """Readings of a contract whose file went away or is wrong may be in its tables, where nobody looks; why they cannot be told."""
    gone = f"place IN ('{Place.LOST}', '{Place.UNKNOWN}') AND fate IS DISTINCT FROM 'quarantine:unknown_contract' AND NOT list_contains(?::VARCHAR[], contract)"
    names = connection.execute(f"SELECT DISTINCT contract FROM judged WHERE {gone} ORDER BY 1", [list(contracts)]).fetchall()
    connection.execute(f"UPDATE judged SET place = '{Place.UNKNOWN}' WHERE {gone}", [list(contracts)])
    return tuple(str(contracts.wrong.get(name, f"contract {name} is no longer in {folder}")) for (name,) in names)


def _carried(connection: Any, messages: Sequence[Message]) -> set[str]:
    """Identities of missing readings whose bytes are in one of the messages, on the same topic."""
    missing = connection.execute(
        "SELECT DISTINCT identity, topic, bytes FROM sent SEMI JOIN (FROM judged WHERE place IS NULL) USING (contract, identity)"
    ).fetchall()
    payloads: dict[str, list[bytes]] = {}
    for message in messages:
        payloads.setdefault(message.topic, []).append(message.payload)
    return {identity for identity, topic, content in missing if any(content in payload for payload in payloads.get(topic, ()))}


def _find_phantoms(connection: Any, files: Sequence[Path], contracts: Contracts) -> None:
    """`phantom`: what is in the lake and in none of the truth `files`. Readings sent while we looked are in them by now."""
    replays = "(SELECT * FROM seen_replayed SEMI JOIN {sent} USING (quarantine_id)) AS replay"
    unsent = "ANTI JOIN {sent} AS by_values USING (contract, event_id, digest)" + f" ANTI JOIN {replays} USING (contract, event_id, digest)"
    in_silver = f"FROM seen_silver {unsent}"
    again = f"ANTI JOIN {replays}_of ON quarantine_id = replay_of.refused_id"
    # What waits or is held is in silver next.
    bronze = (
        "(SELECT contract, device_id, event_id, digest FROM seen_waiting UNION SELECT contract, device_id, event_id, digest FROM seen_held)"
    )
    in_bronze = f"FROM {bronze} AS bronze ANTI JOIN seen_silver USING (contract, event_id, digest) {unsent}"
    refused = f"FROM seen_quarantined ANTI JOIN {{sent}} USING (quarantine_id) {unsent} {again}"
    counts = " + ".join(f"(SELECT count(*) {place})" for place in (in_silver, in_bronze, refused))
    number = connection.execute(f"SELECT {counts}".format(sent="sent")).fetchone()[0]
    if number:
        read_truth(connection, files, contracts, "sent_later")
    sent = "sent_later" if number else "sent"
    # Of a message that no rule wrote neither device nor event id is known.
    told = "concat_ws(', ', contract || COALESCE(' of ' || nullif(device_id, ''), ''), 'event id ' || event_id)"
    connection.execute(
        f"CREATE TABLE phantom AS SELECT contract, device_id, {told} || ', visible by run ' || run_id AS told {in_silver} UNION "
        f"SELECT contract, device_id, {told} || ', in bronze and not visible yet' {in_bronze} UNION "
        f"SELECT contract, device_id, {told} || ', quarantined as ' || reason || ', quarantine id ' || quarantine_id {refused}".format(
            sent=sent
        )
    )


def _verdict(connection: Any, files: Sequence[Path], queues: Queues, gone: tuple[str, ...]) -> Verdict:
    connection.execute(
        "CREATE TABLE visible_often AS SELECT contract, any_value(device_id) AS device_id, event_id, count(*) AS times, "
        "list(DISTINCT run_id) AS runs FROM seen_silver GROUP BY contract, event_id HAVING count(*) > 1"
    )
    connection.execute(_VIOLATIONS)
    connection.execute(_SURPRISES)
    violations = connection.execute(f"FROM violation ORDER BY ALL LIMIT {_SHOWN}").fetchall()
    surprises = connection.execute(f"FROM surprise ORDER BY ALL LIMIT {_SHOWN}").fetchall()
    return Verdict(
        files=tuple(files),
        tallies=_tallies(connection),
        violations=tuple(Violation(Breach(row[0]), *row[1:]) for row in violations),
        surprises=tuple(Surprise(*row) for row in surprises),
        surprised=connection.execute("SELECT count(*) FROM surprise").fetchone()[0],
        queues=queues,
        gone=gone,
    )


_VIOLATIONS = f"""
CREATE TABLE violation AS
SELECT '{Breach.LOST}' AS breach, contract, device_id, told FROM judged WHERE acknowledged AND place = '{Place.LOST}'
UNION ALL
SELECT '{Breach.TWICE}', v.contract, v.device_id, COALESCE(min(k.told), v.contract || ' of ' || v.device_id || ', event id ' || v.event_id)
    || ', ' || v.times || ' rows, of ' || array_to_string(list_sort(v.runs), ' and ')
FROM visible_often v LEFT JOIN known k USING (contract, event_id) GROUP BY v.contract, v.device_id, v.event_id, v.times, v.runs
UNION ALL
SELECT '{Breach.PHANTOM}', contract, device_id, told FROM phantom
UNION ALL
SELECT '{Breach.FOREIGN}', contract, device_id, told || ', ' || place FROM judged
WHERE fate = 'refused' AND place NOT IN ('{Place.LOST}', '{Place.UNKNOWN}')
"""

_SURPRISES = f"""
CREATE TABLE surprise AS SELECT contract, device_id, fate AS expected, place || COALESCE(' as ' || reason, '') AS found, told FROM (
    SELECT *, bool_or(fate = 'conflict') OVER (PARTITION BY contract, event_id) AND event_id IS NOT NULL AS is_contested FROM judged
) WHERE place IN ('{Place.VISIBLE}', '{Place.QUARANTINED}') AND reason IS DISTINCT FROM 'gate_refused' AND NOT (
    (fate = 'silver' AND place = '{Place.VISIBLE}')
    OR (is_contested AND (place = '{Place.VISIBLE}' OR reason = 'event_id_conflict'))
    OR (place = '{Place.QUARANTINED}' AND fate = 'quarantine:' || reason)
    OR fate = 'refused' OR is_replayed
)
"""


def _tallies(connection: Any) -> tuple[Tally, ...]:
    places = _counts(connection, "SELECT contract, device_id, place, count(*) FROM judged WHERE acknowledged GROUP BY 1, 2, 3")
    breaches = _counts(connection, "SELECT contract, device_id, breach, count(*) FROM violation GROUP BY 1, 2, 3")
    arrived = f"place NOT IN ('{Place.LOST}', '{Place.UNKNOWN}')"
    others = _counts(connection, f"SELECT contract, device_id, {arrived}, count(*) FROM judged WHERE NOT acknowledged GROUP BY 1, 2, 3")
    keys = sorted(places.keys() | breaches.keys() | others.keys())
    return tuple(
        Tally(
            contract=contract,
            device_id=device,
            sent=sum(places.get((contract, device), {}).values()),
            places={Place(name): number for name, number in places.get((contract, device), {}).items()},
            breaches={Breach(name): number for name, number in breaches.get((contract, device), {}).items()},
            unacknowledged_arrived=others.get((contract, device), {}).get(True, 0),
            unacknowledged_not=others.get((contract, device), {}).get(False, 0),
        )
        for contract, device in keys
    )


def _counts(connection: Any, query: str) -> dict[tuple[str, str], dict[Any, int]]:
    counts: dict[tuple[str, str], dict[Any, int]] = {}
    for contract, device, name, number in connection.execute(query).fetchall():
        counts.setdefault((contract, device), {})[name] = number
    return counts
