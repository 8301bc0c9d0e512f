"""Readings in columns: as a table of bronze, and as the name of an object that holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingestion.envelope import Envelope
from ingestion.validate import Reading
from lake.contracts import Contract
from lake.reading import epoch_ms
from lake.schemas import ARROW, arrow_schema
from lake.tables import bronze

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_ENVELOPE = ("device_id", "topic", "principal", "client_id", "trace_id")


@dataclass(frozen=True)
class Columns:
    """`owners` are the places of each reading's message in `envelopes`; `arrivals` the order in which readings came."""

    event_ids: list[str]
    digests: list[str]
    times_ms: npt.NDArray[np.int64]
    arrivals: npt.NDArray[np.int64]
    envelopes: Sequence[Envelope]
    owners: npt.NDArray[np.int64]
    arrays: dict[str, pa.Array]

    @classmethod
    def of_readings(
        cls, contract: Contract, readings: Sequence[Reading], envelopes: Sequence[Envelope], arrivals: Sequence[int]
    ) -> "Columns":
        """Of readings one by one, as the reference gives them; `envelopes` has one for each."""
        kinds = {field.name: field.type for field in contract.fields} | {"_extra": "string"}
        values = {name: pa.array([reading.values[name] for reading in readings], ARROW[kind]) for name, kind in kinds.items()}
        return cls(
            event_ids=[reading.event_id for reading in readings],
            digests=[reading.digest for reading in readings],
            times_ms=np.array([epoch_ms(reading.event_time) for reading in readings], np.int64),
            arrivals=np.array(arrivals, np.int64),
            envelopes=envelopes,
            owners=np.arange(len(readings)),
            arrays=values
            | {"boot": pa.array([reading.boot for reading in readings], pa.string())}
            | {"seq": pa.array([reading.seq for reading in readings], pa.int64())},
        )

    def table(self, contract: Contract) -> pa.Table:
        """Rows of bronze, in this order."""
        arrays = self.arrays | {name: self._of_envelope([getattr(e, name) for e in self.envelopes]) for name in _OF_ENVELOPE}
        arrays["event_id"] = pa.array(self.event_ids, pa.string())
        arrays["event_time"] = _moments(self.times_ms * 1000)
        received = np.array([(e.received_at - _EPOCH) // timedelta(microseconds=1) for e in self.envelopes], np.int64)
        arrays["received_at"] = _moments(received[self.owners])
        schema = arrow_schema(bronze(contract))
        return pa.Table.from_arrays([arrays[field.name] for field in schema], schema=schema)

    def _of_envelope(self, texts: list[str | None]) -> pa.Array:
        return pa.array(texts, pa.string()).take(pa.array(self.owners))

    def devices(self) -> list[str]:
        names = [envelope.device_id for envelope in self.envelopes]
        return [names[owner] for owner in self.owners.tolist()]


def _moments(microseconds: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(microseconds).view(pa.timestamp("us", tz="UTC"))
