"""The readings of a batch on their way to bronze: in columns, a table a contract, and no object for each value.

Readings come typed, a message at a time, or one by one from the reference. Identities, digests and columns are made when the batch
is written, for all of them together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingestion.columns import Columns
from ingestion.envelope import Envelope
from ingestion.typed_columns import TypedReadings
from ingestion.typed_reading import TypedContract, typed_contract
from ingestion.validate import Reading
from lake.contracts import Contract
from lake.identity import object_digest
from runtime.timeseries import Point

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# More than a message may hold.
_A_MESSAGE = 1_000


@dataclass(frozen=True)
class BronzeRows:
    """One contract's rows, sorted by device and time, and the name of what holds them: a hash of identities and values."""

    contract: Contract
    table: pa.Table
    digest: str


@dataclass
class _Group:
    contract: Contract
    typed: TypedReadings
    readings: list[Reading] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.typed.readings) + len(self.readings)

    def bronze(self) -> BronzeRows:
        parts = self._columns()
        table = pa.concat_tables([part.table(self.contract) for part in parts])
        ids = [identity for part in parts for identity in part.event_ids]
        digest = object_digest(zip(ids, (digest for part in parts for digest in part.digests), strict=True))
        return BronzeRows(self.contract, table.take(_order(parts, ids)), digest)

    def _columns(self) -> list[Columns]:
        found = [self.typed.columns()] if self.typed.readings else []
        if self.readings:
            found.append(Columns.of_readings(self.contract, self.readings, self.envelopes, self.arrivals))
        return found

    def points(self) -> Iterator[Point]:
        names = [field.name for field in self.contract.fields]
        members = [self.typed.typed.member(name) for name in names]
        of_typed = iter(self.typed.readings)
        for envelope, count in zip(self.typed.envelopes, self.typed.counts, strict=True):
            for _, reading in zip(range(count), of_typed, strict=False):
                values = {
                    name: value for name, member in zip(names, members, strict=True) if (value := member(reading)) is not msgspec.UNSET
                }
                yield Point(self.contract.name, envelope.device_id, _EPOCH + timedelta(milliseconds=reading.ts), values)
        for reading, envelope in zip(self.readings, self.envelopes, strict=True):
            yield Point(self.contract.name, envelope.device_id, reading.event_time, {name: reading.values[name] for name in names})


class Rows:
    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        self.contracts = contracts
        self._groups: dict[str, _Group] = {}
        self._count = 0
        self._messages = 0

    def __len__(self) -> int:
        return self._count

    def typed(self, contract: str) -> TypedContract | None:
        """How messages of a contract are read; None where there is no such contract."""
        group = self._group(contract) if contract in self.contracts else None
        return None if group is None else group.typed.typed

    def add_typed(self, envelope: Envelope, boot: str | None, readings: list[Any], lines: bytes, places: Sequence[int]) -> None:
        """Of one message: `boot` is its head's, `lines` the encoder's JSON of them, `places` where they stand in it."""
        self._group(envelope.contract).typed.add(envelope, boot, readings, lines, self._arrivals(places))

    def add_readings(self, envelope: Envelope, readings: Sequence[Reading], places: Sequence[int]) -> None:
        """Of the same message, what the reference took."""
        group = self._group(envelope.contract)
        group.readings += readings
        group.envelopes += [envelope] * len(readings)
        group.arrivals += self._arrivals(places)

    @classmethod
    def of(cls, contracts: Mapping[str, Contract], messages: Iterable[Sequence[tuple[Reading, Envelope]]]) -> "Rows":
        """What the reference made of messages."""
        rows = cls(contracts)
        for decoded in messages:
            if decoded:
                rows.end_message()
                rows.add_readings(decoded[0][1], [reading for reading, _ in decoded], range(len(decoded)))
        return rows

    def end_message(self) -> None:
        """What is added from here on came later."""
        self._messages += 1

    def bronze(self) -> Iterator[BronzeRows]:
        for group in self._groups.values():
            if len(group):
                yield group.bronze()

    def points(self) -> list[Point]:
        """The readings for the time series."""
        return [point for group in self._groups.values() for point in group.points()]

    def received(self) -> Iterator[datetime]:
        """When the rule saw the messages that they came with."""
        for group in self._groups.values():
            yield from (envelope.received_at for part in (group.typed.envelopes, group.envelopes) for envelope in part)

    def _group(self, name: str) -> _Group:
        if name not in self._groups:
            contract = self.contracts[name]
            self._groups[name] = _Group(contract, TypedReadings(typed_contract(contract)))
        return self._groups[name]

    def _arrivals(self, places: Sequence[int]) -> list[int]:
        self._count += len(places)
        return [self._messages * _A_MESSAGE + place for place in places]


def _order(parts: list[Columns], ids: list[str]) -> npt.NDArray[np.int64]:
    """By device, time, event id, arrival; hardly ever do two have one device and time, and strings sort slowly."""
    devices = [device for part in parts for device in part.devices()]
    ranks = {device: rank for rank, device in enumerate(sorted(set(devices)))}
    rank = np.fromiter((ranks[device] for device in devices), np.int64, len(devices))
    times = np.concatenate([part.times_ms for part in parts])
    arrivals = np.concatenate([part.arrivals for part in parts])
    order = np.lexsort((arrivals, times, rank))
    if ((np.diff(times[order]) == 0) & (np.diff(rank[order]) == 0)).any():
        order = np.lexsort((arrivals, np.array(ids), times, rank))
    return order
