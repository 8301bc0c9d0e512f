"""Typed readings of one shape as columns, with the identity of each."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import UNSET
from msgspec.structs import astuple

from ingestion.columns import Columns
from ingestion.envelope import Envelope
from ingestion.typed_reading import Shape
from lake.identity import canonical_json, event_id_digests, event_id_of_content
from lake.schemas import ARROW
from runtime.timeseries import Point

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Readings that are turned into columns at once: as many as stay in the processor's cache.
_A_CHUNK = 512
# Bytes of a SHA-256 that an event id has.
_ID_BYTES = 16


@dataclass
class TypedReadings:
    """Message by message: its envelope, its head's boot, when it arrived, and the places of its readings in it."""

    shape: Shape
    readings: list[Any] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    boots: list[str | None] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    places: list[Sequence[int]] = field(default_factory=list)

    def add(self, envelope: Envelope, boot: str | None, readings: list[Any], arrival: int, places: Sequence[int]) -> None:
        self.readings += readings
        self.envelopes.append(envelope)
        self.boots.append(boot)
        self.arrivals.append(arrival)
        self.places.append(places)

    def columns(self) -> Columns:
        members = self.members()
        owners = np.repeat(np.arange(len(self.envelopes)), list(map(len, self.places)))
        arrivals = np.array(self.arrivals, np.int64)[owners] + np.fromiter(chain.from_iterable(self.places), np.int64, len(owners))
        fields = {f.name: self._array(members.get(f.name), ARROW[f.type]) for f in self.shape.contract.fields}
        return Columns(
            event_ids=_hexadecimal(self._digests(members)),
            times_ms=np.array(members["ts"], np.int64),
            arrivals=arrivals,
            envelopes=self.envelopes,
            owners=owners,
            arrays=fields
            | {"boot": self._boots(members, owners), "seq": self._array(members.get("seq"), pa.int64()), "_extra": self._extra(members)},
        )

    def members(self) -> dict[str, list[Any]]:
        """Of each key of the shape the values, in the readings' order; absent and null are one."""
        columns: list[list[Any]] = [[] for _ in self.shape.attributes]
        for begin in range(0, len(self.readings), _A_CHUNK):
            for column, values in zip(columns, zip(*map(astuple, self.readings[begin : begin + _A_CHUNK]), strict=True), strict=True):
                column += values
        return dict(zip(self.shape.attributes, columns, strict=True))

    def points(self) -> Iterator[Point]:
        """For the time series; what was not given is no measure."""
        contract = self.shape.contract
        given = [(f.name, attribute) for f in contract.fields if (attribute := self.shape.attributes.get(f.name)) is not None]
        readings = iter(self.readings)
        for envelope, places in zip(self.envelopes, self.places, strict=True):
            for reading in islice(readings, len(places)):
                measures = {name: value for name, attribute in given if (value := getattr(reading, attribute)) is not UNSET}
                yield Point(contract.name, envelope.device_id, _EPOCH + timedelta(milliseconds=reading.ts), measures)

    def _array(self, values: list[Any] | None, kind: pa.DataType) -> pa.Array:
        if values is None:
            return pa.nulls(len(self.readings), kind)
        try:
            return pa.array(values, kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return pa.array([None if value is UNSET else value for value in values], kind)

    def _boots(self, members: dict[str, list[Any]], owners: Any) -> pa.Array:
        heads = pa.array(self.boots, pa.string()).take(pa.array(owners))
        if not self._has_own_boots(members):
            return heads
        return pa.array([boot or head for boot, head in zip(members["boot"], heads.to_pylist(), strict=True)], pa.string())

    def _has_own_boots(self, members: dict[str, list[Any]]) -> bool:
        own = members.get("boot", [])
        return own.count(UNSET) != len(own)

    def _extra(self, members: dict[str, list[Any]]) -> pa.Array:
        """What the contract does not know, as the reference writes it; what devices say of themselves is mostly the same again."""
        names = sorted(self.shape.unknown)
        if not names:
            return pa.nulls(len(self.readings), pa.string())
        written: dict[tuple[Any, ...], str | None] = {}
        texts = []
        for values in zip(*(members[name] for name in names), strict=True):
            # By their types too: 1, 1.0 and true are equal.
            key = (*values, *map(type, values))
            if key not in written:
                written[key] = _as_json(dict(zip(names, values, strict=True)))
            texts.append(written[key])
        return pa.array(texts, pa.string())

    def _digests(self, members: dict[str, list[Any]]) -> list[bytes]:
        name, seqs = self.shape.contract.name, members.get("seq", [])
        messages = [(e.device_id, boot, len(places)) for e, boot, places in zip(self.envelopes, self.boots, self.places, strict=True)]
        if set(map(type, seqs)) == {int} and all(self.boots) and not self._has_own_boots(members):
            return event_id_digests(name, [(device_id, boot or "", count) for device_id, boot, count in messages], members["ts"], seqs)
        owned = ((device_id, boot) for device_id, boot, count in messages for _ in range(count))
        return [self._digest(reading, device_id, boot) for reading, (device_id, boot) in zip(self.readings, owned, strict=True)]

    def _digest(self, reading: Any, device_id: str, head: str | None) -> bytes:
        boot = getattr(reading, "boot", None) or head
        seq = getattr(reading, "seq", None)
        name = self.shape.contract.name
        if boot and type(seq) is int:
            (digest,) = event_id_digests(name, [(device_id, boot, 1)], [reading.ts], [seq])
            return digest
        members = {key: getattr(reading, attribute) for key, attribute in self.shape.attributes.items()}
        canonical = canonical_json({key: value for key, value in members.items() if value is not UNSET})
        return bytes.fromhex(event_id_of_content(device_id, name, canonical)).ljust(2 * _ID_BYTES)


def _as_json(members: dict[str, Any]) -> str | None:
    given = {name: value for name, value in members.items() if value is not UNSET}
    return json.dumps(given, sort_keys=True, ensure_ascii=False, separators=(",", ":")) if given else None


def _hexadecimal(digests: list[bytes]) -> pa.Array:
    """The beginning of each digest as a text, all at once."""
    text = np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), -1)[:, :_ID_BYTES].tobytes().hex().encode()
    offsets = np.arange(len(digests) + 1, dtype=np.int32) * (2 * _ID_BYTES)
    return pa.StringArray.from_buffers(len(digests), pa.py_buffer(offsets), pa.py_buffer(text))
