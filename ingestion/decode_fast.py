"""The same as ingestion/decode.py, many times faster for what devices send as a rule; tests hold the two equal.

A message is read by types made from the contract (ingestion/typed_reading.py), which take less than the reference takes. Where one
of its readings is not taken the others are taken in runs (ingestion/runs.py), and that one is given to the reference; and so is
the whole message where its readings cannot be told apart for certain.
"""

from typing import Any

from ingestion.decode import MAX_BYTES, MAX_READINGS, decode
from ingestion.envelope import Envelope
from ingestion.judge import Judge, has_half_a_character
from ingestion.rows import Rows
from ingestion.runs import NOT_TAKEN, Odd, fault, take_runs
from ingestion.strict_json import parse
from ingestion.typed_reading import QUOTES, TypedContract
from lake.quarantine import Quarantined


def decode_into(rows: Rows, envelope: Envelope, future_seconds: float) -> list[Quarantined]:
    """Every reading of the message, each exactly once: in `rows`, or in the answer."""
    typed = rows.begin_message(envelope.contract)
    payload = envelope.payload
    if typed is None or len(payload) > MAX_BYTES or has_half_a_character(payload):
        return _by_reference(rows, envelope, future_seconds)
    judge = Judge(envelope, future_seconds)
    if b'"readings"' in payload:
        odd = _whole(rows, typed, judge)
        bad = [] if odd is None else take_runs(rows, typed, judge, odd)
        return _by_reference(rows, envelope, future_seconds) if bad is None else bad
    if _single(rows, typed, judge):
        return []
    refused = _by_reference(rows, envelope, future_seconds)
    if not refused:
        typed.learn(parse(payload))
    return refused


def _by_reference(rows: Rows, envelope: Envelope, future_seconds: float) -> list[Quarantined]:
    decoded = decode(envelope, rows.contracts, future_seconds)
    if decoded.rows:
        rows.add_readings(envelope, [reading for reading, _ in decoded.rows], range(len(decoded.rows)))
    return list(decoded.quarantined)


def _single(rows: Rows, typed: TypedContract, judge: Judge) -> bool:
    payload = judge.envelope.payload
    for shape in typed.shapes:
        try:
            readings = [shape.read_reading(payload)]
        except NOT_TAKEN:
            continue
        if not judge.takes(shape, readings, payload, None):
            return False
        typed.took(shape, readings[0])
        rows.add_typed(judge.envelope, shape, None, readings, range(1))
        return True
    return False


def _whole(rows: Rows, typed: TypedContract, judge: Judge) -> Odd | None:
    """A pack at once, where all of it is as it should be; else what is not, as far as is known."""
    payload = judge.envelope.payload
    for shape in typed.shapes:
        try:
            pack = shape.read_pack(payload)
        except NOT_TAKEN as error:
            # Beyond the first reading it is that one which is odd, and not the shape.
            if fault(error, int) != 0:
                return Odd(shape, error)
            continue
        readings, boot = pack.readings, pack.boot or None
        if not 0 < len(readings) <= MAX_READINGS or not judge.is_its_device(pack.device_id):
            return Odd()
        if not judge.takes(shape, readings, payload, boot, _quotes_of_head(pack)):
            return Odd()
        typed.took(shape, readings[0])
        rows.add_typed(judge.envelope, shape, boot, readings, range(len(readings)))
        return None
    return Odd()


def _quotes_of_head(pack: Any) -> int:
    return 2 + QUOTES[type(pack.boot)] + QUOTES[type(pack.device_id)]
