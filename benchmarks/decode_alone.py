"""Decode and Parquet without queue and lake: what the worker's batches would cost if nothing else were to do.

``python -m benchmarks.decode_alone [--readings N ...]``: CPU of a reading and the process's greatest memory after 100 k, 1 M and
10 M readings that are made as they are taken, in batches as the worker cuts them. Both are to be flat.
"""

import argparse
import resource
import statistics
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.stream import Stream, pumps
from ingestion.batch import Batch
from ingestion.bronze import bronze_objects, parquet_of
from lake.contracts import Contract
from runtime.clock import SystemClock
from runtime.settings import Settings
from runtime.sqs import Message

SIZES = (100_000, 1_000_000, 10_000_000)
FLAT = 0.10
_LEAST = 1_000_000


class Costs:
    """CPU seconds of each batch. In flat arrays, as the worker keeps no object of a batch: with a list of them decode and Parquet alike
    grew dearer by a fifth through ten million readings, it seems because they stood between what the next batches made.
    """

    def __init__(self) -> None:
        self._readings = array("q")
        self._seconds = array("d")

    def add(self, readings: int, seconds: float) -> None:
        self._readings.append(readings)
        self._seconds.append(seconds)

    @property
    def readings(self) -> int:
        return sum(self._readings)

    @property
    def mean(self) -> float:
        """µs a reading of all."""
        return sum(self._seconds) / self.readings * 1e6

    @property
    def median(self) -> float:
        """µs a reading of the middle batch."""
        return statistics.median(np.frombuffer(self._seconds) / np.frombuffer(self._readings, np.int64)) * 1e6


@dataclass(frozen=True)
class Length:
    """So many readings at a stretch: CPU µs a reading of all and of the middle batch, and MB of the process at its largest."""

    readings: int
    mean: float
    median: float
    megabytes: float


def decode_alone(bodies: Iterable[str], contracts: Mapping[str, Contract], settings: Settings | None = None) -> Costs:
    """What the batches cost. Taking from `bodies` is not counted: messages come in lists of a receive's ten."""
    settings = settings or Settings()
    costs = Costs()
    batch, seconds = Batch(settings, contracts), 0.0
    for texts in _tens(bodies):
        begun = time.process_time()
        for text in texts:
            batch.add(Message("", text))
        # Of its age no batch is written here: the worker, while more is in hand, does not either.
        is_full = batch.is_full
        seconds += time.process_time() - begun
        if is_full:
            costs.add(len(batch.rows), seconds + _written(batch))
            batch, seconds = Batch(settings, contracts), 0.0
    if not batch.is_empty:
        costs.add(len(batch.rows), seconds + _written(batch))
    return costs


def _written(batch: Batch) -> float:
    """CPU seconds of making its objects."""
    begun = time.process_time()
    for found in bronze_objects(batch.rows, SystemClock().now()).values():
        parquet_of(found.table)
    return time.process_time() - begun


def _tens(bodies: Iterable[str]) -> Iterator[list[str]]:
    ten = []
    for body in bodies:
        ten.append(body)
        if len(ten) == 10:
            yield ten
            ten = []
    if ten:
        yield ten


def lengths(sizes: Sequence[int] = SIZES, stream: Stream | None = None) -> list[Length]:
    """In one process, from the shortest on, as the greatest memory only grows. A short length is run again and again, for a busy machine
    is dear for the two batches of one run, or for neither."""
    stream = stream or pumps(250)
    contracts = {stream.contract.name: stream.contract}
    # Not counted: through the first dozens of batches each costs less than the one before, however long the run is.
    decode_alone(stream.bodies(_LEAST), contracts)
    found = []
    for size in sorted(sizes):
        runs = [decode_alone(stream.bodies(size), contracts) for _ in range(max(1, _LEAST // size))]
        assert {costs.readings for costs in runs} == {size}
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        mean = statistics.fmean(costs.mean for costs in runs)
        found.append(Length(size, mean, statistics.median(costs.median for costs in runs), largest))
    return found


def spread(found: Sequence[Length]) -> float:
    """How much more the dearest length costs than the cheapest, by the middle batch: a busy machine is dear for some batches."""
    medians = [length.median for length in found]
    return max(medians) / min(medians) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, nargs="+", default=SIZES)
    found = lengths(parser.parse_args().readings)
    print("| readings | CPU µs a reading | of the middle batch | memory, MB |\n|---|---|---|---|")
    for length in found:
        print(f"| {length.readings:,} | {length.mean:.2f} | {length.median:.2f} | {length.megabytes:.0f} |")
    print(f"dearest over cheapest: {spread(found):+.1%}; it is to be within {FLAT:.0%}")


if __name__ == "__main__":
    main()
