"""The loop over orjson as a good engineer writes it: each reading checked by itself, and what is refused kept with its reason.

`careful` is that loop: a pack that does not parse is cut at its braces. It cannot see a key that stands twice, and calls NaN "not JSON".
`exact` is the same loop where orjson is certain; what it cannot judge goes to the strict parser, and a pack is cut by the exact cutter:
the best that there is by libraries with the same rows and the same reasons. Both spare themselves the object's name.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from ingestion.split import split_pack
from ingestion.strict_json import Refused, parse_exactly
from lake.contracts import Contract
from lake.identity import event_id
from lake.schemas import ARROW, arrow_schema
from lake.tables import bronze

_EARLIEST_MS, _FUTURE_MS, _LONGEST_PACK = 946_684_800_000, 900_000, 250
_BETWEEN = re.compile(rb"(?<=\})\s*,\s*(?=\{)")
_KINDS = {"float64": (float, int), "int64": (int,), "bool": (bool,), "string": (str,)}
_OWN = ("ts", "boot", "seq", "device_id")
Refusals = list[tuple[str, bytes, str]]


@dataclass
class Loop:
    """Rows as tuples in the order of `names`, and what is refused: device, content, reason."""

    contract: Contract
    is_exact: bool
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    refused: Refusals = field(default_factory=list)

    def __post_init__(self) -> None:
        fields = self.contract.fields
        self.checks: list[tuple[Any, ...]] = [
            (f.name, _KINDS[f.type], f.type != "bool", f.required, f.min, f.max, frozenset(f.enum), f.max_length) for f in fields
        ]
        self.known = {*_OWN, *(f.name for f in fields)}
        of_envelope = ["device_id", "topic", "received_at", "principal", "client_id", "trace_id"]
        self.names = [*of_envelope, "event_id", "event_time", "boot", "seq", *(f.name for f in fields), "_extra"]

    def take(self, body: str) -> None:
        envelope = orjson.loads(body)
        raw = base64.b64decode(envelope["payload"])
        try:
            pack = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return self._salvage(envelope, raw)
        if self.is_exact and not _has_each_key_once(pack, raw):
            return self._salvage(envelope, raw)
        if not isinstance(pack, dict) or not isinstance(pack.get("readings"), list) or not 0 < len(pack["readings"]) <= _LONGEST_PACK:
            self.refused.append((envelope["device_id"], raw, "bad_pack"))
            return None
        parts: tuple[bytes, ...] | None = None
        for place, reading in enumerate(pack["readings"]):
            reason = self._add(envelope, pack.get("boot"), reading)
            if reason is not None:
                parts = parts or _cut(raw, self.is_exact)[1]
                self.refused.append((envelope["device_id"], parts[place], reason))
        return None

    def _salvage(self, envelope: dict[str, Any], raw: bytes) -> None:
        head, parts = _cut(raw, self.is_exact)
        boot = orjson.loads(head).get("boot")
        for part in parts:
            try:
                reading = orjson.loads(part)
                if self.is_exact and not _has_each_key_once(reading, part):
                    reading = parse_exactly(part)
                reason = self._add(envelope, boot, reading)
            except orjson.JSONDecodeError:
                reason = _reason(part) if self.is_exact else "not_json"
            except Refused as refused:
                reason = refused.reason.value
            if reason is not None:
                self.refused.append((envelope["device_id"], part, reason))

    def _add(self, envelope: dict[str, Any], boot: Any, reading: Any) -> str | None:
        """The reading as a row, or why not."""
        if not isinstance(reading, dict):
            return "wrong_type"
        device = envelope["device_id"]
        if reading.get("device_id", device) != device:
            return "device_mismatch"
        boot, seq, ts = reading.get("boot", boot), reading.get("seq"), reading.get("ts")
        if not isinstance(boot, str) or type(seq) is not int or seq < 0:
            return "wrong_type"
        if type(ts) is not int:
            return "missing" if ts is None else "bad_time"
        if not _EARLIEST_MS <= ts <= envelope["received_at"] + _FUTURE_MS:
            return "future_time" if ts > _EARLIEST_MS else "bad_time"
        values = []
        for name, kinds, is_no_bool, required, least, most, enum, longest in self.checks:
            value = reading.get(name)
            if value is None:
                if required:
                    return "missing"
            elif not isinstance(value, kinds) or (is_no_bool and value is True) or (is_no_bool and value is False):
                return "wrong_type"
            elif type(value) is str:
                if (enum and value not in enum) or len(value) > longest:
                    return "out_of_range"
            elif (least is not None and value < least) or (most is not None and value > most):
                return "out_of_range"
            values.append(value)
        extra = None
        if not reading.keys() <= self.known:
            extra = json.dumps({k: v for k, v in reading.items() if k not in self.known}, sort_keys=True, ensure_ascii=False)
        topic = f"dt/fleetlake/{device}/{envelope['contract']}"
        of_envelope = (device, topic, envelope["received_at"], envelope["principal"], envelope["client_id"], envelope["trace_id"])
        self.rows.append((*of_envelope, event_id(device, self.contract.name, ts, boot, seq), ts, boot, seq, *values, extra))
        return None

    def table(self) -> pa.Table:
        """Sorted as ours is: by device and time."""
        schema = arrow_schema(bronze(self.contract))
        columns = dict(zip(self.names, zip(*sorted(self.rows, key=lambda row: (row[0], row[7])), strict=True), strict=True))
        arrays = []
        for column in schema:
            kind = pa.timestamp("ms", tz="UTC") if column.type == ARROW["timestamp"] else column.type
            arrays.append(pa.array(columns[column.name], kind).cast(column.type))
        return pa.Table.from_arrays(arrays, schema=schema)


def _cut(raw: bytes, is_exact: bool) -> tuple[bytes, tuple[bytes, ...]]:
    """The head and the readings. The quick cut is right where each part is an object, or broken in itself alone."""
    begin, end = raw.index(b"[") + 1, raw.rindex(b"]")
    parts = tuple(_BETWEEN.split(raw[begin:end].strip()))
    if is_exact and not all(_is_one(part) for part in parts):
        split = split_pack(raw)
        assert split is not None
        return split.head, split.readings
    return raw[:begin] + raw[end:], parts


def _is_one(part: bytes) -> bool:
    try:
        orjson.loads(part)
    except orjson.JSONDecodeError:
        split = split_pack(b'{"readings":[' + part + b"]}")
        return split is not None and split.readings == (part,)
    return True


def _has_each_key_once(document: Any, raw: bytes) -> bool:
    """Whether the text has two quotes for each key and text that was read from it."""
    if b"\\" in raw or type(document) is not dict:
        return False
    readings = document.get("readings", [])
    heads = [document, *readings] if type(readings) is list else [document]
    texts = 0
    for members in heads:
        if type(members) is not dict:
            return False
        texts += len(members)
        for value in members.values():
            if type(value) is str:
                texts += 1
            elif (type(value) is dict or type(value) is list) and value is not readings:
                return False
    return 2 * texts == raw.count(b'"')


def _reason(part: bytes) -> str:
    try:
        parse_exactly(part)
    except Refused as refused:
        return refused.reason.value
    return "not_json"
