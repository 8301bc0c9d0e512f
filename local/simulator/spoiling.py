"""Single readings made wrong in one way each; what decode must say of them stands in their fate."""

import dataclasses
import random
from typing import Any

import orjson

from lake.contracts import Contract, Field
from lake.reasons import Reason
from local.message import quarantine
from local.simulator.planned import Form, Planned, document

_TEN_YEARS_MS = 10 * 365 * 86_400_000
_PLACE = "\x00number\x00"
# What a device's printf makes of a number that is none, and the reason of each.
_NO_NUMBERS = {
    b"NaN": Reason.NOT_FINITE,
    b"Infinity": Reason.NOT_FINITE,
    b"-Infinity": Reason.NOT_FINITE,
    b"1e999": Reason.NUMBER_OUT_OF_RANGE,
}


def broken(reading: Planned, rng: random.Random) -> Planned:
    """Half of them lack a value within their pack; the others come alone, in a message that is cut off."""
    if rng.random() < 0.5:
        return _spoiled(reading, Reason.NOT_JSON, reading.content, form=Form.CUT_OFF)
    name = rng.choice(list(reading.values))
    return _spoiled(reading, Reason.NOT_JSON, _with_bytes(reading, name, b""), ts_ms=None)


def not_finite(reading: Planned, rng: random.Random) -> Planned | None:
    name = _pick(rng, [field.name for field in _present(reading) if field.type == "float64"])
    if name is None:
        return None
    text = rng.choice(list(_NO_NUMBERS))
    return _spoiled(reading, _NO_NUMBERS[text], _with_bytes(reading, name, text), ts_ms=None)


def wrong_type(reading: Planned, rng: random.Random) -> Planned:
    field = rng.choice(_present(reading))
    value: Any = 17 if field.type == "string" else f"{reading.values[field.name]}"
    return _with(reading, Reason.WRONG_TYPE, {field.name: value})


def out_of_range(reading: Planned, rng: random.Random) -> Planned | None:
    outside = {field.name: value for field in _present(reading) if (value := _outside(field)) is not None}
    name = _pick(rng, list(outside))
    return None if name is None else _with(reading, Reason.OUT_OF_RANGE, {name: outside[name]})


def missing(reading: Planned, rng: random.Random) -> Planned:
    """Without a required field, or with null in its place; without its time where nothing is required."""
    required = [field.name for field in _present(reading) if field.required]
    name = rng.choice(required) if required else "ts"
    told = _document(reading)
    if rng.random() < 0.5:
        told[name] = None
    else:
        del told[name]
    return _spoiled(reading, Reason.MISSING, orjson.dumps(told), ts_ms=None if name == "ts" else reading.ts_ms)


def clock_jump(reading: Planned, rng: random.Random) -> Planned:
    """A clock that lost its battery counts from 1970; another stands ten years ahead."""
    assert reading.ts_ms is not None
    if rng.random() < 0.5:
        ts_ms, reason = reading.ts_ms % _TEN_YEARS_MS, Reason.BAD_TIME
    else:
        ts_ms, reason = reading.ts_ms + _TEN_YEARS_MS, Reason.FUTURE_TIME
    return _spoiled(reading, reason, orjson.dumps(_document(reading) | {"ts": ts_ms}), ts_ms=ts_ms)


def names_another(reading: Planned) -> Planned:
    return _spoiled(reading, Reason.DEVICE_MISMATCH, orjson.dumps({"device_id": reading.other} | _document(reading)))


def with_another_value(reading: Planned) -> Planned | None:
    """The same identity, one number changed and still in range; None where the reading has no such number."""
    for field in _present(reading):
        value = reading.values[field.name]
        if not field.is_number or field.lifetime_counter:
            continue
        step = 1 if field.type == "int64" else max(abs(value), 1.0) / 1024
        for other in (value + step, value - step):
            if (field.min is None or other >= field.min) and (field.max is None or other <= field.max):
                values = reading.values | {field.name: other}
                return dataclasses.replace(reading, values=values, content=orjson.dumps(_document(reading) | {field.name: other}))
    return None


def _outside(field: Field) -> Any:
    """A value of the field's type that the contract refuses; None where it takes all."""
    if field.type == "string":
        return "unheard-of" if field.enum else "x" * (field.max_length + 1)
    if field.is_number and field.max is not None:
        beyond = field.max + max(1.0, abs(field.max))
    elif field.is_number and field.min is not None:
        beyond = field.min - max(1.0, abs(field.min))
    else:
        return None
    return int(beyond) if field.type == "int64" else beyond


def _with(reading: Planned, reason: Reason, members: dict[str, Any]) -> Planned:
    return _spoiled(reading, reason, orjson.dumps(_document(reading) | members))


def _with_bytes(reading: Planned, name: str, raw: bytes) -> bytes:
    """The reading's bytes with `raw` where the value of `name` stood; no JSON writer would write them."""
    return orjson.dumps(_document(reading) | {name: _PLACE}).replace(orjson.dumps(_PLACE), raw)


def _spoiled(reading: Planned, reason: Reason, content: bytes, **changes: Any) -> Planned:
    return dataclasses.replace(reading, content=content, fate=quarantine(reason), **changes)


def _document(reading: Planned) -> dict[str, Any]:
    assert reading.ts_ms is not None
    return document(reading.ts_ms, reading.seq, reading.values)


def _present(reading: Planned) -> list[Field]:
    return _fields(reading.contract, reading.values)


def _fields(contract: Contract, values: dict[str, Any]) -> list[Field]:
    return [field for field in contract.fields if values.get(field.name) is not None]


def _pick(rng: random.Random, names: list[str]) -> str | None:
    return rng.choice(names) if names else None
