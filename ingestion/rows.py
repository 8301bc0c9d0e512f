"""The readings of a batch on their way to bronze: in columns, a table a contract, and no object for each value.

Readings come typed, a message at a time, or one by one from the reference. Identities and columns are made when the batch is written,
for all of them together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from ingestion.columns import Columns, bronze_table
from ingestion.envelope import Envelope
from ingestion.typed_columns import TypedReadings
from ingestion.typed_reading import Shape, TypedContract, typed_contract
from ingestion.validate import Reading
from lake.contracts import Contract
from lake.object_name import object_digest
from runtime.timeseries import Point

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
    typed: dict[Shape, TypedReadings] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.types = typed_contract(self.contract)

    def bronze(self) -> BronzeRows:
        parts = [typed.columns() for typed in self.typed.values()]
        if self.readings:
            parts.append(Columns.of_readings(self.contract, self.readings, self.envelopes, self.arrivals))
        table = bronze_table(self.contract, parts)
        return BronzeRows(self.contract, table, object_digest(table, ["event_id", *(f.name for f in self.contract.fields), "_extra"]))

    def points(self) -> Iterator[Point]:
        for typed in self.typed.values():
            yield from typed.points()
        names = [field.name for field in self.contract.fields]
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

    def begin_message(self, contract: str) -> TypedContract | None:
        """What is added from here on came later. How its readings are read; None where there is no such contract."""
        self._messages += 1
        group = self._groups.get(contract)
        if group is None and contract in self.contracts:
            group = self._group(contract)
        return None if group is None else group.types

    def add_typed(self, envelope: Envelope, shape: Shape, boot: str | None, readings: list[Any], places: Sequence[int]) -> None:
        """Of one message: `boot` is its head's, `places` where they stand in it."""
        self._count += len(readings)
        typed = self._groups[envelope.contract].typed
        into = typed.get(shape)
        if into is None:
            into = typed[shape] = TypedReadings(shape)
        into.add(envelope, boot, readings, self._messages * _A_MESSAGE, places)

    def add_readings(self, envelope: Envelope, readings: Sequence[Reading], places: Sequence[int]) -> None:
        """Of the same message, what the reference took."""
        group = self._group(envelope.contract)
        group.readings += readings
        group.envelopes += [envelope] * len(readings)
        begin = self._messages * _A_MESSAGE
        group.arrivals += [begin + place for place in places]
        self._count += len(readings)

    @classmethod
    def of(cls, contracts: Mapping[str, Contract], messages: Iterable[Sequence[tuple[Reading, Envelope]]]) -> "Rows":
        """What the reference made of messages."""
        rows = cls(contracts)
        for decoded in messages:
            if decoded:
                rows.begin_message(decoded[0][1].contract)
                rows.add_readings(decoded[0][1], [reading for reading, _ in decoded], range(len(decoded)))
        return rows

    def bronze(self) -> Iterator[BronzeRows]:
        for group in self._groups.values():
            if group.typed or group.readings:
                yield group.bronze()

    def points(self) -> list[Point]:
        """The readings for the time series."""
        return [point for group in self._groups.values() for point in group.points()]

    def received(self) -> Iterator[datetime]:
        """When the rule saw the messages that they came with."""
        for group in self._groups.values():
            parts = [group.envelopes, *(typed.envelopes for typed in group.typed.values())]
            yield from (envelope.received_at for part in parts for envelope in part)

    def _group(self, name: str) -> _Group:
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(self.contracts[name])
        return group
