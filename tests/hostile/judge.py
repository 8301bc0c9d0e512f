"""What the decoder makes of payloads: by the reference and by the fast way, held against what must become of them and each other."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ingestion.decode import Decoded, decode
from ingestion.decode_fast import decode_into
from ingestion.envelope import Envelope
from ingestion.rows import BronzeRows, Rows
from ingestion.validate import Reading
from lake.quarantine import Quarantined
from tests.hostile.cases import ARRIVED_MS, DEVICE, FUTURE_SECONDS, Payload, Refusal, Row, contracts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Says what is wrong with an outcome, of which nothing else is expected; None where nothing is.
Look = Callable[[Payload, Decoded], str | None]


class Wrong(AssertionError):
    """A payload of which something became that must not."""


class Crashed(Wrong):
    """One that a decoder raised for."""


class Differs(Wrong):
    """One that the fast way and the reference say different things of."""


def envelope(payload: Payload, number: int = 0) -> Envelope:
    return Envelope(
        payload=payload.content,
        device_id=DEVICE,
        contract=payload.contract,
        topic=_topic(payload),
        received_at=_EPOCH + timedelta(milliseconds=ARRIVED_MS),
        principal="cert-1",
        client_id=DEVICE,
        # What tells the rows of one message from those of another.
        trace_id=f"trace-{number}",
    )


def _topic(payload: Payload) -> str:
    return f"dt/fleetlake/{DEVICE}/{payload.contract}"


def judged(payloads: Sequence[Payload], look: Look | None = None) -> Counter[str]:
    """How many readings were taken (`row`) and refused, by reason. Raises Wrong for the first payload that something else became of.

    The payloads go into one batch, as the worker's do; where its tables differ, each is tried by itself. With `look`, it
    judges the outcome in place of the payloads' own expectation.
    """
    counts: Counter[str] = Counter()
    rows, outcomes = Rows(contracts()), []
    for number, payload in enumerate(payloads):
        given = envelope(payload, number)
        by_reference = _reference(payload, given)
        _same_refused(payload, by_reference, _fast(payload, rows, given))
        wrong = look(payload, by_reference) if look else _unexpected(payload, by_reference)
        if wrong is not None:
            raise Wrong(f"{wrong}\n{_shown(payload)}")
        outcomes.append(by_reference)
        counts["row"] += len(by_reference.rows)
        counts.update(row.reason.value for row in by_reference.quarantined)
    difference = _difference(list(rows.bronze()), list(Rows.of(contracts(), (outcome.rows for outcome in outcomes)).bronze()))
    if difference is not None:
        if len(payloads) > 1:
            for payload in payloads:
                judged([payload], look)
        raise Differs(f"the fast way's rows differ from the reference's: {difference}\n{_shown(payloads[0])}")
    return counts


def _reference(payload: Payload, given: Envelope) -> Decoded:
    try:
        return decode(given, contracts(), FUTURE_SECONDS)
    except Exception as error:  # It is what is looked for.
        raise Crashed(f"the reference raised {error!r}\n{_shown(payload)}") from error


def _fast(payload: Payload, rows: Rows, given: Envelope) -> list[Quarantined]:
    try:
        return decode_into(rows, given, FUTURE_SECONDS)
    except Exception as error:  # It is what is looked for.
        raise Crashed(f"the fast way raised {error!r}\n{_shown(payload)}") from error


def _same_refused(payload: Payload, by_reference: Decoded, fast: list[Quarantined]) -> None:
    if list(by_reference.quarantined) != fast:
        raise Differs(f"the fast way refuses {fast}\nthe reference {by_reference.quarantined}\n{_shown(payload)}")


def _unexpected(payload: Payload, outcome: Decoded) -> str | None:
    """How the outcome differs from what the payload says must become of it."""
    refused = tuple(Refusal(row.reason.value, row.content, row.index) for row in outcome.quarantined)
    if refused != payload.refused:
        return f"refused {[_brief(r) for r in refused]}, must be {[_brief(r) for r in payload.refused]}"
    found = [as_row(reading) for reading, _ in outcome.rows]
    if found != list(payload.rows) or any(repr(a.values) != repr(b.values) for a, b in zip(found, payload.rows, strict=True)):
        wrong = next(((a, b) for a, b in zip(found, payload.rows, strict=False) if repr(a) != repr(b)), (len(found), len(payload.rows)))
        return f"took {wrong[0]!r:.600}, must be {wrong[1]!r:.600}"
    return badly_kept(payload, outcome)


def badly_kept(payload: Payload, outcome: Decoded) -> str | None:
    """Whatever is refused keeps its envelope, and the id that its topic, place and bytes give."""
    for row in outcome.quarantined:
        place = "" if row.index is None else str(row.index)
        if row.quarantine_id != hashlib.sha256(f"{_topic(payload)}\x1f{place}\x1f".encode() + row.content).hexdigest():
            return f"has the id {row.quarantine_id}"
        if (row.device_id, row.contract, row.principal, row.client_id) != (DEVICE, payload.contract, "cert-1", DEVICE) or not row.detail:
            return f"is kept with another envelope, or without a detail: {row!r:.300}"
    return None


def as_row(reading: Reading) -> Row:
    ts_ms = (reading.event_time - _EPOCH) // timedelta(milliseconds=1)
    return Row(reading.event_id, ts_ms, reading.boot, reading.seq, reading.values)


def _difference(fast: list[BronzeRows], reference: list[BronzeRows]) -> str | None:
    by_name = [{of.contract.name: of for of in found} for found in (fast, reference)]
    if by_name[0].keys() != by_name[1].keys():
        return f"{sorted(by_name[0])} and {sorted(by_name[1])}"
    for name, of in by_name[0].items():
        other = by_name[1][name]
        if of.digest != other.digest:
            return f"the digests of {name}"
        if not _bits(of.table).equals(_bits(other.table)):
            return f"{of.table.to_pylist()[:3]} and {other.table.to_pylist()[:3]}"
    return None


def _bits(table: pa.Table) -> pa.Table:
    """Doubles as their bits: 0.0 is not -0.0. Texts as such, in whatever order a dictionary has them."""
    arrays: dict[str, Any] = {}
    for field in table.schema:
        column = table[field.name].combine_chunks()
        if pa.types.is_dictionary(field.type):
            column = column.dictionary_decode()
        arrays[field.name] = column.view(pa.int64()) if pa.types.is_float64(field.type) else column
    return pa.table(arrays)


def _brief(refusal: Refusal) -> str:
    return f"{refusal.index}: {refusal.reason} {refusal.content[:80]!r}"


def _shown(payload: Payload) -> str:
    content = payload.content if len(payload.content) <= 3_000 else payload.content[:1_500] + b" ... " + payload.content[-1_500:]
    return f"{payload.contract}, {payload.label}, {len(payload.content)} bytes: {content!r}"


def refused(payload: Payload) -> Sequence[Quarantined]:
    """What the reference quarantines of it."""
    return _reference(payload, envelope(payload)).quarantined
