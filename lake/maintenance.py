"""Proofs of maintenance: rows of ops.maintenance, and which devices were erased, known by a salted hash alone."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pyiceberg.exceptions import NoSuchTableError

from lake.catalog import append_rows, open_catalog
from lake.tables import MAINTENANCE
from runtime.clock import Clock
from runtime.platforms import Platform

_KEPT = re.compile(r"kept from (\d{4}-\d{2}-\d{2}) on")
# The contract that runs of maintenance publish under: whoever asks for the runs of a contract is not told of them.
MAINTAINED = "_lake"


class Action(StrEnum):
    COMPACT = "compact"
    EXPIRE = "expire"
    REMOVE_ORPHANS = "remove_orphans"
    RETAIN = "retain"
    ERASE = "erase"


class Verdict(StrEnum):
    BEGUN = "begun"
    HOLDS = "holds"
    REFUSED = "refused"
    DONE = "done"


@dataclass(frozen=True)
class Proof:
    """One row of ops.maintenance: see the columns there."""

    run_id: str
    action: Action
    table_name: str
    verdict: Verdict
    rows_before: int | None = None
    rows_after: int | None = None
    hash_before: str | None = None
    hash_after: str | None = None
    rows_compared: int | None = None
    files_before: int | None = None
    files_after: int | None = None
    bytes_before: int | None = None
    bytes_after: int | None = None
    snapshot_before: int | None = None
    snapshot_after: int | None = None
    subject: str | None = None
    salt: str | None = None
    why: str | None = None
    who: str | None = None
    detail: str | None = None
    recorded_at: datetime | None = None


def record(platform: Platform, clock: Clock, proof: Proof) -> None:
    append_rows(platform, MAINTENANCE, [asdict(proof) | {"recorded_at": clock.now()}])


def read_proofs(platform: Platform, action: Action | None = None) -> list[Proof]:
    """All, or those of one action, oldest first."""
    try:
        table = open_catalog(platform).load_table(MAINTENANCE.name)
    except NoSuchTableError:
        return []
    said = list(Verdict)
    rows = sorted(table.scan().to_arrow().to_pylist(), key=lambda row: (row["recorded_at"], said.index(Verdict(row["verdict"]))))
    return [_proof(row) for row in rows if action is None or row["action"] == action.value]


def _proof(row: dict[str, Any]) -> Proof:
    known: dict[str, Any] = {field.name: row.get(field.name) for field in fields(Proof)}
    return Proof(**known | {"action": Action(row["action"]), "verdict": Verdict(row["verdict"])})


@dataclass(frozen=True)
class Subject:
    """A device as proofs know it."""

    salt: str
    hash: str

    def is_of(self, device_id: str) -> bool:
        return hmac.compare_digest(self.hash, _hashed(self.salt, device_id))

    @classmethod
    def new(cls, device_id: str) -> "Subject":
        salt = secrets.token_hex(16)
        return cls(salt, _hashed(salt, device_id))


def _hashed(salt: str, device_id: str) -> str:
    return hashlib.sha256(f"{salt}\x1f{device_id}".encode()).hexdigest()


def subject_of(proof: Proof) -> Subject | None:
    return Subject(proof.salt, proof.subject) if proof.salt and proof.subject else None


def kept_words(first: date) -> str:
    """What a proof of retention says under `why`."""
    return f"kept from {first} on"


def kept_from(proofs: Iterable[Proof], table_name: str) -> date | None:
    """The first day that retention has left in the table or place; None where it took nothing."""
    words = (proof.why or "" for proof in proofs if proof.action is Action.RETAIN and proof.table_name == table_name)
    return max((date.fromisoformat(match[1]) for text in words if (match := _KEPT.fullmatch(text))), default=None)


def erased_at(proofs: Iterable[Proof], device_id: str) -> datetime | None:
    """When the device was erased last, by its whole erasures among `proofs`, begun ones included; None for one that was not."""
    found = [
        proof.recorded_at
        for proof in proofs
        if proof.action is Action.ERASE and (subject := subject_of(proof)) and proof.recorded_at and subject.is_of(device_id)
    ]
    return max(found, default=None)
