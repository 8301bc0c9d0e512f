"""Decode and Parquet without queue and lake: what the worker's batches would cost if nothing else were to do.

``python -m benchmarks.decode_alone [--readings N ...]``: CPU of a reading and the process's greatest memory after 100 k, 1 M and
10 M readings that are made as they are taken, in batches as the worker cuts them. Both are to be flat.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.stream import Stream, pumps
from ingestion.batch import Batch
from ingestion.bronze import bronze_objects, parquet_of
from lake.contracts import Contract
from runtime.clock import SystemClock
from runtime.settings import Settings
from runtime.sqs import Message

SIZES = (100_000, 1_000_000, 10_000_000)
FLAT = 0.10


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one batch; `size` are its objects' bytes."""

    readings: int
    seconds: float
    size: int

    @property
    def microseconds(self) -> float:
        return self.seconds / self.readings * 1e6


@dataclass(frozen=True)
class Length:
    """So many readings at a stretch: CPU µs a reading of all and of the middle batch, and MB of the process at its largest."""

    readings: int
    mean: float
    median: float
    megabytes: float


def decode_alone(bodies: Iterable[str], contracts: Mapping[str, Contract], settings: Settings | None = None) -> list[Cost]:
    """What each batch costs. Taking from `bodies` is not counted: messages come in lists of a receive's ten."""
    settings = settings or Settings()
    costs = []
    batch, seconds = Batch(settings, contracts), 0.0
    for texts in _tens(bodies):
        begun = time.process_time()
        for text in texts:
            batch.add(Message("", text))
        # Of its age no batch is written here, as the worker's queue is never empty.
        is_due = batch.is_due(batch.begun)
        seconds += time.process_time() - begun
        if is_due:
            costs.append(_written(batch, seconds))
            batch, seconds = Batch(settings, contracts), 0.0
    return costs if batch.is_empty else [*costs, _written(batch, seconds)]


def _written(batch: Batch, seconds: float) -> Cost:
    begun = time.process_time()
    objects = bronze_objects(batch.rows, SystemClock().now())
    size = sum(len(parquet_of(found.table)) for found in objects.values())
    return Cost(len(batch.rows), seconds + time.process_time() - begun, size)


def _tens(bodies: Iterable[str]) -> Iterator[list[str]]:
    ten = []
    for body in bodies:
        ten.append(body)
        if len(ten) == 10:
            yield ten
            ten = []
    if ten:
        yield ten


def total(costs: Sequence[Cost]) -> float:
    """CPU µs a reading of all of them."""
    return sum(cost.seconds for cost in costs) / sum(cost.readings for cost in costs) * 1e6


def lengths(sizes: Sequence[int] = SIZES, stream: Stream | None = None) -> list[Length]:
    """In one process, from the shortest on, as the greatest memory only grows."""
    stream = stream or pumps(250)
    contracts = {stream.contract.name: stream.contract}
    decode_alone(stream.bodies(20_000), contracts)
    found = []
    for size in sorted(sizes):
        costs = decode_alone(stream.bodies(size), contracts)
        assert sum(cost.readings for cost in costs) == size
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found.append(Length(size, total(costs), statistics.median(cost.microseconds for cost in costs), largest))
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
