"""Bytes to readings: each reading of a message becomes one row, or one quarantined row with its reason. Nothing raises.

A message is a pack, ``{"boot": …, "readings": […]}``, or one reading. Where a pack does not parse as a whole its readings
are cut apart by their brackets and parsed one by one, so that a NaN in one costs that one.

This is the reference, straightforward and exact; the worker goes by ingestion/decode_fast.py, which tests hold equal to it. The first
that holds of a message is the reason (lake/reasons.py); of a reading the first found in its JSON, device, boot, seq, ts, then field by field as
the contract lists them:

| reason | of | where |
|---|---|---|
| bad_envelope | the queue's message | not what the rule writes |
| unknown_contract | message | the topic names a contract that there is none of |
| too_large | message | above 100 KiB, or a pack of more than 250 readings |
| not_utf8, not_json, too_deep, duplicate_key, not_finite, number_out_of_range, lone_surrogate | reading, or message | strict_json; of the whole message where its readings cannot be told apart, or its head is wrong |
| bad_pack | message | JSON, but neither a list of readings nor a ts |
| device_mismatch | message, or reading | its head, or it, names another device than the topic |
| wrong_type | reading, or message | not an object, or a boot, seq or field of another type; 31.0 is a whole number below 2^53, but for seq |
| missing | reading | ts or a required field is absent or null |
| bad_time | reading | neither epoch milliseconds nor ISO 8601 with a zone, or outside of the years 2000 to 9999 |
| future_time | reading | further ahead of received_at than `future_seconds` |
| out_of_range | reading | beyond min, max, max_length or enum, whose edges are within |
| unknown_field | reading | only where the contract says `unknown_fields: quarantine` |

event_id_conflict and gate_refused are silver's, and not decode's to give.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ingestion.envelope import Envelope
from ingestion.split import split_pack
from ingestion.strict_json import Refused, parse
from ingestion.validate import Head, Reading, Rules, Validator, check_device, read_boot
from lake.contracts import Contract
from lake.quarantine import Quarantined
from lake.reasons import Reason

MAX_BYTES = 100 * 1024
MAX_READINGS = 250


@dataclass(frozen=True)
class Decoded:
    rows: tuple[tuple[Reading, Envelope], ...]
    quarantined: tuple[Quarantined, ...]


def decode(envelope: Envelope, contracts: Mapping[str, Contract], future_seconds: float) -> Decoded:
    """Every reading of the message, each exactly once in one of the two. `future_seconds`: how far ahead a clock may be."""
    try:
        if envelope.contract not in contracts:
            raise Refused(Reason.UNKNOWN_CONTRACT, f"there is no contract {envelope.contract[:80]!r}")
        if len(envelope.payload) > MAX_BYTES:
            raise Refused(Reason.TOO_LARGE, f"{len(envelope.payload)} bytes, {MAX_BYTES} are allowed")
        latest = envelope.received_at + timedelta(seconds=future_seconds)
        return _Message(envelope, Validator(Rules(contracts[envelope.contract]), envelope.device_id, latest)).decode()
    except Refused as refused:
        return Decoded((), (quarantined(envelope, envelope.payload, None, refused),))


def quarantined(
    envelope: Envelope, content: bytes, index: int | None, refused: Refused, boot: str | None = None, identity: str | None = None
) -> Quarantined:
    return Quarantined(
        contract=envelope.contract,
        device_id=envelope.device_id,
        topic=envelope.topic,
        content=content,
        index=index,
        reason=refused.reason,
        detail=refused.detail,
        received_at=envelope.received_at,
        principal=envelope.principal,
        client_id=envelope.client_id,
        trace_id=envelope.trace_id,
        boot=boot,
        event_id=identity,
    )


def read_part(envelope: Envelope, validator: Validator, head: Head, content: bytes, index: int) -> Reading | Quarantined:
    """One reading of a pack, from its own bytes."""
    document = None
    try:
        document = parse(content)
        return validator.reading(document, head)
    except Refused as refused:
        return quarantined(envelope, content, index, refused, head.boot, validator.known_identity(document, head))


class _Message:
    def __init__(self, envelope: Envelope, validator: Validator) -> None:
        self.envelope = envelope
        self.validator = validator

    def decode(self) -> Decoded:
        try:
            document = parse(self.envelope.payload)
        except Refused as refused:
            return self._piecemeal(refused)
        if isinstance(document, dict) and "readings" in document:
            return self._pack(document)
        if isinstance(document, dict) and "ts" in document:
            return self._single(document)
        raise Refused(Reason.BAD_PACK, "neither a pack with readings nor a reading with ts")

    def _single(self, document: dict[str, Any]) -> Decoded:
        head = Head()
        outcome = self._outcome(document, head)
        if isinstance(outcome, Reading):
            return Decoded(((outcome, self.envelope),), ())
        identity = self.validator.known_identity(document, head)
        return Decoded((), (quarantined(self.envelope, self.envelope.payload, None, outcome, identity=identity),))

    def _pack(self, document: dict[str, Any]) -> Decoded:
        readings = document["readings"]
        if not isinstance(readings, list) or not readings:
            raise Refused(Reason.BAD_PACK, "readings must be a list of at least one reading")
        self._refuse_many(len(readings))
        head = self._head(document)
        outcomes = [self._outcome(reading, head) for reading in readings]
        return self._decoded(outcomes, head, readings)

    def _piecemeal(self, whole: Refused) -> Decoded:
        """Of a message that is not JSON as a whole: its readings one by one, where its brackets show them."""
        split = split_pack(self.envelope.payload)
        if split is None or not split.readings:
            raise whole
        document = parse(split.head_in_place)
        if not isinstance(document, dict):
            raise whole
        self._refuse_many(len(split.readings))
        head = self._head(document)
        outcomes = [read_part(self.envelope, self.validator, head, content, place) for place, content in enumerate(split.readings)]
        rows = tuple((outcome, self.envelope) for outcome in outcomes if isinstance(outcome, Reading))
        return Decoded(rows, tuple(outcome for outcome in outcomes if isinstance(outcome, Quarantined)))

    def _head(self, document: dict[str, Any]) -> Head:
        check_device(document, self.envelope.device_id)
        return Head(read_boot(document))

    def _refuse_many(self, count: int) -> None:
        if count > MAX_READINGS:
            raise Refused(Reason.TOO_LARGE, f"{count} readings in a pack, {MAX_READINGS} are allowed")

    def _outcome(self, document: Any, head: Head) -> Reading | Refused:
        try:
            return self.validator.reading(document, head)
        except Refused as refused:
            return refused

    def _decoded(self, outcomes: list[Reading | Refused], head: Head, documents: list[Any]) -> Decoded:
        rows = tuple((outcome, self.envelope) for outcome in outcomes if isinstance(outcome, Reading))
        if len(rows) == len(outcomes):
            return Decoded(rows, ())
        split = split_pack(self.envelope.payload)
        parts = split.readings if split else ()
        if len(parts) != len(outcomes):
            # A pack that parses but whose parts cannot be told apart by bytes: kept whole, and nothing of it twice.
            raise next(outcome for outcome in outcomes if isinstance(outcome, Refused))
        bad = tuple(
            quarantined(self.envelope, parts[i], i, outcome, head.boot, self.validator.known_identity(documents[i], head))
            for i, outcome in enumerate(outcomes)
            if isinstance(outcome, Refused)
        )
        return Decoded(rows, bad)
