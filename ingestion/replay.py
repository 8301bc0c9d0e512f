"""Quarantined rows decoded again by the contracts of today: what passes now goes to bronze, what does not stays as it is.

Times are judged by when the message was received then, never by a clock. A row's readings are put before its replay is noted
in ``replayed``; what dies in between is replayed once more, and silver knows its readings by their event ids. A whole message
of which some readings pass is replayed: those that do not pass are quarantined by themselves, as decode does it.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingestion.decode import Decoded, decode
from ingestion.delivery import deliver, unwatched
from ingestion.envelope import Envelope
from ingestion.projection import Projection
from ingestion.rows import Rows
from ingestion.split import split_pack
from lake.contracts import Contract
from lake.quarantine import Quarantined
from lake.quarantine_rows import Part, Selection, Stored, put_replayed, read_rows, replayed_ids
from lake.reasons import Reason
from runtime.clock import Clock, SystemClock
from runtime.errors import UserError
from runtime.platforms import Platform
from runtime.settings import Settings

# A person refused these: they are replayed only when asked for by this reason.
_ASKED_FOR_ALONE = {Reason.GATE_REFUSED}


@dataclass
class Replayed:
    """Rows looked at; those that were replayed before; those replayed now, with their readings put to bronze and refused again;
    those that stay, by their reason."""

    looked_at: int = 0
    before: int = 0
    replayed: int = 0
    readings: int = 0
    refused_again: int = 0
    stayed: Counter[str] = field(default_factory=Counter)


Watch = Callable[[Replayed], None]


@dataclass
class Replay:
    platform: Platform
    contracts: Mapping[str, Contract]
    clock: Clock = field(default_factory=SystemClock)
    boundary: Callable[[str], None] = unwatched
    watch: Watch = lambda _: None
    # Only tell what would pass.
    dry: bool = False

    def run(self, selection: Selection) -> Replayed:
        """Raises UserError for conflicts, which cannot pass: the reading that was published first stays."""
        if selection.reason is Reason.EVENT_ID_CONFLICT:
            raise UserError(
                "quarantine replay: another reading with the same identity was published first and stays, so a conflict cannot be replayed; "
                "give another --reason"
            )
        told = Replayed()
        before: dict[str, set[str]] = {}
        seen: set[str] = set()
        batch = _Batch(self)
        for stored in read_rows(self.platform, selection):
            name, identity = stored.partition.contract, stored.row.quarantine_id
            if identity in seen:
                # The same row may lie in two objects, after a message that came twice.
                continue
            seen.add(identity)
            if name not in before:
                before[name] = replayed_ids(self.platform, name)
            if identity in before[name]:
                told.before += 1
            else:
                told.looked_at += 1
                self._take(stored, selection, batch, told)
            self.watch(told)
        batch.flush()
        return told

    def _take(self, stored: Stored, selection: Selection, batch: "_Batch", told: Replayed) -> None:
        row = stored.row
        is_asked_for = row.reason not in _ASKED_FOR_ALONE or selection.reason is row.reason
        found = again(row, self.contracts, self.platform.settings) if is_asked_for else None
        if found is None:
            told.stayed[row.reason.value] += 1
            return
        told.replayed += 1
        told.readings += len(found.decoded.rows)
        told.refused_again += len(found.decoded.quarantined)
        batch.add(stored, found)


@dataclass(frozen=True)
class Again:
    """What decode makes of a row now, and the bytes of each of its readings, passed ones first."""

    decoded: Decoded
    passed: tuple[bytes, ...]


def again(row: Quarantined, contracts: Mapping[str, Contract], settings: Settings) -> Again | None:
    """The row decoded by these contracts; None where no reading of it passes."""
    if row.received_at is None or row.reason is Reason.EVENT_ID_CONFLICT or row.contract not in contracts:
        return None
    is_whole = row.index is None and row.origin == "decode"
    decoded = decode(_envelope(row, row.content if is_whole else _pack_of_one(row)), contracts, settings.future_seconds)
    if not decoded.rows:
        return None
    if is_whole:
        return _parts_of(row, decoded)
    if len(decoded.rows) != 1 or decoded.quarantined:
        return None
    return Again(_with_its_identity(row, decoded), (row.content,))


def _envelope(row: Quarantined, payload: bytes) -> Envelope:
    assert row.received_at is not None
    return Envelope(payload, row.device_id, row.contract, row.topic, row.received_at, row.principal, row.client_id, row.trace_id)


def _pack_of_one(row: Quarantined) -> bytes:
    """The reading in a pack with the head that it came with."""
    # What silver and the gate made again as JSON names its boot itself.
    head = {} if row.boot is None or row.origin != "decode" else {"boot": row.boot}
    return json.dumps(head | {"readings": []}).encode().removesuffix(b"]}") + row.content + b"]}"


def _parts_of(row: Quarantined, decoded: Decoded) -> Again | None:
    """A whole message's readings; None where it is a pack whose readings cannot be told apart by their bytes."""
    refused = {part.index for part in decoded.quarantined}
    split = split_pack(row.content)
    if split is None:
        return Again(decoded, (row.content,)) if len(decoded.rows) == 1 and not refused else None
    passed = tuple(content for index, content in enumerate(split.readings) if index not in refused)
    return Again(decoded, passed) if len(passed) == len(decoded.rows) else None


def _with_its_identity(row: Quarantined, decoded: Decoded) -> Decoded:
    """A reading made again as JSON keeps the identity that it had: what it was made from may have been written otherwise."""
    if row.origin == "decode" or row.event_id is None:
        return decoded
    ((reading, envelope),) = decoded.rows
    return Decoded(((dataclasses.replace(reading, event_id=row.event_id), envelope),), ())


@dataclass
class _Batch:
    """Rows that are put together; at most as many readings as the worker puts into an object."""

    replay: Replay
    found: list[tuple[Stored, Again]] = field(default_factory=list)
    readings: int = 0

    def add(self, stored: Stored, found: Again) -> None:
        self.found.append((stored, found))
        self.readings += len(found.decoded.rows)
        if self.readings >= self.replay.platform.settings.batch_readings:
            self.flush()

    def flush(self) -> None:
        """Put the readings, then note the replay: in this order."""
        if self.found and not self.replay.dry:
            replay, put_at = self.replay, self.replay.clock.now()
            rows = Rows.of(replay.contracts, (found.decoded.rows for _, found in self.found))
            refused = [row for _, found in self.found for row in found.decoded.quarantined]
            deliver(Projection(replay.platform), rows, refused, replay.contracts, put_at, replay.boundary)
            put_replayed(replay.platform, [part for stored, found in self.found for part in self._parts(stored, found)], put_at)
            replay.boundary("put_replayed")
        self.found, self.readings = [], 0

    def _parts(self, stored: Stored, found: Again) -> list[Part]:
        version = self.replay.contracts[stored.row.contract].version
        passed = zip(found.decoded.rows, found.passed, strict=True)
        parts = [Part(stored, content, version, event_id=reading.event_id) for (reading, _), content in passed]
        return parts + [Part(stored, row.content, version, refused_id=row.quarantine_id) for row in found.decoded.quarantined]
