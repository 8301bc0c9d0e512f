"""Feature rows of readings as Arrow tables: what Spark's executors map over, and what live scoring calls.

It imports no more than numpy, pyarrow and the table's declaration, because every worker process imports it anew.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from lake import causal
from lake.contracts import Contract, Field
from lake.schemas import arrow_schema
from lake.tables import features

# Readings computed at a time: enough for numpy, few enough to stay in the processor's caches.
_CHUNK = 8_000


def input_columns(contract: Contract) -> list[str]:
    """What `compute` needs of a reading; `life` and `reading_number` are 0 where they are to be found."""
    return ["device_id", "at", "event_id", "life", "reading_number", *(field.name for field in contract.numbers)]


def by_devices(contract: Contract) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function over the batches of a partition that is in the order of device, at, event_id."""

    def mapped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for frame in whole_devices(batches, _CHUNK):
            yield from compute(frame, contract).to_batches()

    return mapped


def whole_devices(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of about `rows`, none of which ends within a device."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(len(part) for part in held) < rows:
            continue
        frame = pa.Table.from_batches(held)
        end = int(np.flatnonzero(_changes(frame["device_id"]))[-1])
        if end:
            yield frame.slice(0, end)
            held = frame.slice(end).to_batches()
    if held:
        yield pa.Table.from_batches(held)


def compute(frame: pa.Table, contract: Contract) -> pa.Table:
    """Feature rows of the readings in `frame` that have none yet (life 0); whole devices, in the order of (at, event_id)."""
    counter = contract.lifetime_counter
    known_life, known_number = (_ints(frame[name]) for name in ("life", "reading_number"))
    counted = None if counter is None else _floats(frame[counter.name])
    life, number = causal.number_readings(_changes(frame["device_id"]), counted, known_life, known_number)
    columns = {name: frame[name] for name in input_columns(contract)}
    columns |= {"life": pa.array(life), "reading_number": pa.array(number), "seconds_since_previous": _since_previous(frame["at"], number)}
    columns |= _statistics(frame, [field for field in contract.numbers if not field.lifetime_counter], number)
    return _declared(contract, columns).filter(pa.array(known_life == 0))


def _statistics(frame: pa.Table, fields: Sequence[Field], number: causal.Ints) -> dict[str, pa.Array]:
    if not fields or not len(frame):
        return {}
    values = np.column_stack([_floats(frame[field.name]) for field in fields])
    first = np.maximum.accumulate(np.where(number == 1, np.arange(len(number)), 0))
    found = causal.statistics(values, number, first)
    return {f"{field.name}_{name}": _nullable(found[name][:, place]) for name in found for place, field in enumerate(fields)}


def _since_previous(at: pa.ChunkedArray, number: causal.Ints) -> pa.Array:
    microseconds = at.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    seconds = np.full(len(number), np.nan)
    seconds[1:] = np.diff(microseconds) / 1e6
    return _nullable(np.where(number > 1, seconds, np.nan))


def _changes(devices: pa.ChunkedArray) -> causal.Bools:
    """Where a device's rows begin."""
    codes = devices.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    begins = np.ones(len(codes), dtype=bool)
    begins[1:] = codes[1:] != codes[:-1]
    return begins


def _declared(contract: Contract, columns: dict[str, pa.Array]) -> pa.Table:
    schema = arrow_schema(features(contract))
    return pa.table([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _floats(column: pa.ChunkedArray) -> causal.Floats:
    """As float64, NaN where there is no value."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _ints(column: pa.ChunkedArray) -> causal.Ints:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)


def _nullable(values: causal.Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
