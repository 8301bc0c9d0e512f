"""Readings in columns, and as a table of bronze."""

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

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_OF_ENVELOPE = ("topic", "principal", "client_id", "trace_id")


@dataclass(frozen=True)
class Columns:
    """`owners` are the places of each reading's message in `envelopes`; `arrivals` the order in which readings came."""

    event_ids: pa.Array
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
            event_ids=pa.array([reading.event_id for reading in readings], pa.string()),
            times_ms=np.array([epoch_ms(reading.event_time) for reading in readings], np.int64),
            arrivals=np.array(arrivals, np.int64),
            envelopes=envelopes,
            owners=np.arange(len(readings)),
            arrays=values
            | {"boot": pa.array([reading.boot for reading in readings], pa.string())}
            | {"seq": pa.array([reading.seq for reading in readings], pa.int64())},
        )


def bronze_table(contract: Contract, parts: Sequence[Columns]) -> pa.Table:
    """The rows of all parts by device, time, event id and arrival, which is how a reader finds the first of two with one id."""
    envelopes = [envelope for part in parts for envelope in part.envelopes]
    begins = np.cumsum([0, *(len(part.envelopes) for part in parts)])
    owners = np.concatenate([part.owners + begin for part, begin in zip(parts, begins, strict=False)])
    ids = pa.chunked_array([part.event_ids for part in parts])
    times_ms = np.concatenate([part.times_ms for part in parts])
    devices = sorted({envelope.device_id for envelope in envelopes})
    ranks = {device: rank for rank, device in enumerate(devices)}
    rank = np.array([ranks[envelope.device_id] for envelope in envelopes], np.int32)[owners]
    order = _order(rank, times_ms, ids, np.concatenate([part.arrivals for part in parts]))
    picked = pa.array(order)
    arrays = {name: pa.chunked_array([part.arrays[name] for part in parts]).take(picked) for name in parts[0].arrays}
    arrays |= {name: _of_envelope([getattr(envelope, name) for envelope in envelopes], owners[order]) for name in _OF_ENVELOPE}
    arrays["device_id"] = pa.DictionaryArray.from_arrays(pa.array(rank[order]), pa.array(devices, pa.string()))
    arrays["event_id"] = ids.take(picked)
    arrays["event_time"] = _moments(times_ms[order] * 1000)
    received = np.array([(envelope.received_at - _EPOCH) // _MICROSECOND for envelope in envelopes], np.int64)
    arrays["received_at"] = _moments(received[owners[order]])
    return pa.table({field.name: arrays[field.name] for field in arrow_schema(bronze(contract))})


def _order(
    rank: npt.NDArray[np.int32], times_ms: npt.NDArray[np.int64], ids: pa.ChunkedArray, arrivals: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Hardly ever do two readings have one device and time, and strings sort slowly."""
    order = np.lexsort((arrivals, times_ms, rank))
    if ((np.diff(times_ms[order]) == 0) & (np.diff(rank[order]) == 0)).any():
        order = np.lexsort((arrivals, np.array(ids.to_pylist()), times_ms, rank))
    return order


def _of_envelope(texts: list[str | None], owners: npt.NDArray[np.int64]) -> pa.Array:
    """As a dictionary, which is how it is written: a reading's message says the same of all its readings."""
    of_messages = pa.array(texts, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(of_messages.indices.take(pa.array(owners)), of_messages.dictionary)


def _moments(microseconds: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(microseconds).view(pa.timestamp("us", tz="UTC"))
