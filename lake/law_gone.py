"""Readings that went away as they should: of an erased device, or of days that retention keeps no longer.

Only what was acknowledged is called so. Of the rest nobody knows whether it ever arrived.
"""

# ruff: noqa: S608 - SQL is made here from constants

from collections.abc import Sequence
from typing import Any

from lake.contracts import Contracts
from lake.erased_device import claimed_device
from lake.law_verdict import Place
from lake.maintenance import Action, Proof, erased_at, kept_from

_MISSING = "place IS NULL AND acknowledged"


def place_erased(connection: Any, proofs: Sequence[Proof]) -> None:
    """Readings in no place, whose device was erased after they were sent. What it sent later must be somewhere."""
    if not any(proof.action is Action.ERASE for proof in proofs):
        return
    devices = [name for (name,) in connection.execute(f"SELECT DISTINCT device_id FROM judged WHERE {_MISSING}").fetchall()]
    for device in devices:
        at = erased_at(proofs, str(device))
        if at is not None:
            connection.execute(
                f"UPDATE judged SET place = '{Place.ERASED}' WHERE {_MISSING} AND device_id = ? AND sent_at <= ?", [device, at]
            )
    _place_named(connection, proofs)


def _place_named(connection: Any, proofs: Sequence[Proof]) -> None:
    """Refused readings that another device sent in the name of an erased one: their payloads named it."""
    found = connection.execute(
        f"SELECT DISTINCT identity, bytes FROM sent SEMI JOIN (FROM judged WHERE {_MISSING}) USING (contract, identity)"
    ).fetchall()
    for identity, content in found:
        at = erased_at(proofs, claimed_device(content))
        if at is not None:
            connection.execute(
                f"UPDATE judged SET place = '{Place.ERASED}' WHERE {_MISSING} AND identity = ? AND sent_at <= ?", [identity, at]
            )


def place_expired(connection: Any, contracts: Contracts, proofs: Sequence[Proof]) -> None:
    """Readings in no place, measured before the first day that silver has kept, or refused and sent before quarantine's."""
    measured = "make_timestamp(ts_ms * 1000) < ?::DATE"
    refused = "fate LIKE 'quarantine:%' AND sent_at < ?::DATE"
    for name in contracts:
        for place, condition in (("silver", measured), ("quarantine", refused)):
            first = kept_from(proofs, f"{place}.{name}")
            if first is not None:
                connection.execute(
                    f"UPDATE judged SET place = '{Place.EXPIRED}' WHERE {_MISSING} AND contract = ? AND {condition}", [name, first]
                )
