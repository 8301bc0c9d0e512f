"""Typed readings as columns, with the identity of each and the digest of its canonical JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingestion.columns import Columns
from ingestion.envelope import Envelope
from ingestion.typed_reading import TypedContract
from lake.contracts import Field
from lake.identity import canonical_json, event_id_of_content, event_ids_of, reading_digest
from lake.schemas import ARROW

# The encoder and RFC 8785 spell what is smaller in two ways (1e-6, 0.000001).
_LEAST = 1e-5
_SPLICES = (".0,", ".0}")


@dataclass
class TypedReadings:
    """`lines` are the encoder's JSON of the readings, a line each: canonical but for numbers such as 31.0, which are 31 there."""

    typed: TypedContract
    readings: list[Any] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    boots: list[str | None] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)

    def add(self, envelope: Envelope, boot: str | None, readings: list[Any], lines: bytes, arrivals: Sequence[int]) -> None:
        self.readings += readings
        self.lines.append(lines)
        self.envelopes.append(envelope)
        self.boots.append(boot)
        self.counts.append(len(readings))
        self.arrivals += arrivals

    def columns(self) -> Columns:
        fields, spelling = self._fields()
        canonical = self._canonical(spelling)
        return Columns(
            event_ids=self._event_ids(canonical),
            digests=[reading_digest(line) for line in canonical],
            times_ms=np.fromiter(map(self.typed.time_of, self.readings), np.int64, len(self.readings)),
            arrivals=np.array(self.arrivals, np.int64),
            envelopes=self.envelopes,
            owners=np.repeat(np.arange(len(self.envelopes)), self.counts),
            arrays=fields | {"boot": self._boots(), "seq": self._whole("seq"), "_extra": pa.nulls(len(self.readings), pa.string())},
        )

    def _fields(self) -> tuple[dict[str, pa.Array], "_Spelling"]:
        arrays, spelling = {}, _Spelling(len(self.readings))
        for of_contract in self.typed.contract.fields:
            arrays[of_contract.name] = self._field(of_contract, spelling)
        for name in ("boot", "device_id"):
            spelling.see_texts(map(self.typed.member(name), self.readings))
        return arrays, spelling

    def _field(self, given: Field, spelling: "_Spelling") -> pa.Array:
        if given.type == "float64":
            return self._float(given.name, spelling)
        if given.type == "int64":
            return self._whole(given.name)
        values = self._values(given.name)
        if given.type == "string":
            spelling.see_texts(values)
        return pa.array(values, ARROW[given.type])

    def _values(self, name: str) -> list[Any]:
        """Absent and null are one in a column."""
        return [None if value is msgspec.UNSET else value for value in map(self.typed.member(name), self.readings)]

    def _float(self, name: str, spelling: "_Spelling") -> pa.Array:
        values = _numbers(map(self.typed.member(name), self.readings), np.float64, len(self.readings))
        if values is None:
            values = np.array(self._values(name), np.float64)
        # No device sends a NaN: it stands for null.
        absent = np.isnan(values)
        spelling.see_floats(values)
        return pa.array(values, mask=absent if absent.any() else None)

    def _whole(self, name: str) -> pa.Array:
        values = _numbers(map(self.typed.member(name), self.readings), np.int64, len(self.readings))
        return pa.array(self._values(name), pa.int64()) if values is None else pa.array(values)

    def _boots(self) -> pa.Array:
        own = list(map(self.typed.member("boot"), self.readings))
        heads = pa.array(self.boots, pa.string()).take(np.repeat(np.arange(len(self.boots)), self.counts))
        if own.count(msgspec.UNSET) == len(own):
            return heads
        return pa.array([boot or head for boot, head in zip(own, heads.to_pylist(), strict=True)], pa.string())

    def _canonical(self, spelling: "_Spelling") -> list[bytes]:
        lines = b"".join(self.lines).split(b"\n")[:-1]
        for row in np.flatnonzero(spelling.whole):
            lines[row] = lines[row].replace(b".0,", b",").replace(b".0}", b"}")
        names = self.typed.attributes
        for row in np.flatnonzero(spelling.odd):
            members = {name: getattr(self.readings[row], attribute) for name, attribute in names.items()}
            lines[row] = canonical_json({name: value for name, value in members.items() if value is not msgspec.UNSET})
        return lines

    def _event_ids(self, canonical: list[bytes]) -> list[str]:
        found: list[str] = []
        name, time_of = self.typed.contract.name, self.typed.time_of
        for envelope, head, count in zip(self.envelopes, self.boots, self.counts, strict=True):
            begun = len(found)
            identity = event_ids_of(envelope.device_id, name)
            for reading in self.readings[begun : begun + count]:
                boot, seq = reading.boot or head, reading.seq
                if boot and type(seq) is int:
                    found.append(identity(time_of(reading), boot, seq))
                else:
                    found.append(event_id_of_content(envelope.device_id, name, canonical[len(found)]))
        return found


class _Spelling:
    """Of each row: whether a whole number is spelt as 31.0 (`whole`), and whether only the exact way can spell it (`odd`)."""

    def __init__(self, rows: int) -> None:
        self.whole: npt.NDArray[np.bool_] = np.zeros(rows, np.bool_)
        self.odd: npt.NDArray[np.bool_] = np.zeros(rows, np.bool_)

    def see_floats(self, values: npt.NDArray[np.float64]) -> None:
        self.whole |= np.floor(values) == values
        small = np.abs(values) < _LEAST
        if small.any():
            # Zero is spelt alike by all, its negative is not.
            self.odd |= small & ((values != 0) | np.signbit(values))

    def see_texts(self, values: Iterable[Any]) -> None:
        """What is taken off of whole numbers must not be taken out of a text."""
        texts = list(values)
        if any(splice in text for text in set(texts) if isinstance(text, str) for splice in _SPLICES):
            self.odd |= np.array([isinstance(text, str) and any(splice in text for splice in _SPLICES) for text in texts])


def _numbers(values: Iterable[Any], kind: type[np.generic], count: int) -> npt.NDArray[Any] | None:
    """None where one is absent."""
    try:
        return np.fromiter(values, kind, count)
    except TypeError:
        return None
