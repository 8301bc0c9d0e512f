"""Decode and Parquet without queue and lake: what the worker's batches would cost if nothing else were to do.

``python -m benchmarks.decode_alone [--batches N]``: CPU of a reading and the process's greatest memory at 100 k, 1 M and 10 M readings at
a stretch that are made as they are taken, in batches as the worker cuts them. Both are to be flat.
"""

import argparse
import contextlib
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Self

from benchmarks.stream import pumps
from ingestion.batch import Batch
from ingestion.bronze import bronze_objects, parquet_of
from lake.contracts import Contract
from runtime.clock import SystemClock
from runtime.settings import Settings
from runtime.sqs import Message

FLAT = 0.10
_PACK = 250
# Through the first dozens of batches each costs less than the one before, however long the run is.
_WARM = 1_000_000


@dataclass
class Costs:
    """CPU seconds of so many readings."""

    readings: int = 0
    seconds: float = 0.0

    def add(self, readings: int, seconds: float) -> None:
        self.readings += readings
        self.seconds += seconds

    @property
    def mean(self) -> float:
        """µs a reading."""
        return self.seconds / self.readings * 1e6


@dataclass(frozen=True)
class Length:
    """So many readings at a stretch, batch by batch in CPU µs a reading: of a process that reads no more, of one that reads on and on
    at the same moments, and MB of the first at its largest."""

    readings: int
    batches: Sequence[float]
    of_the_longest: Sequence[float]
    megabytes: float

    @property
    def mean(self) -> float:
        return statistics.fmean(self.batches)

    @property
    def growth(self) -> float:
        """How much more the longest costs, by the middle pair of batches: from one batch to the next a busy machine is a third dearer."""
        return statistics.median(long / short for short, long in zip(self.batches, self.of_the_longest, strict=True)) - 1


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


class _Process:
    """One that reads at a stretch, pinned to the first core, and has read `warm` before what is counted. A context manager: it ends."""

    def __init__(self, warm: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.megabytes = 0.0
        self._read = 0
        self.next(warm)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join()

    def next(self, readings: int) -> float:
        """CPU µs a reading of the next so many. `megabytes` is then the process's largest so far."""
        self._pipe.send((readings, self._read))
        self._read += readings
        mean, self.megabytes = self._pipe.recv()
        return mean


def _serve(pipe: Connection) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    stream = pumps(_PACK)
    with pipe, contextlib.suppress(EOFError):
        while True:
            readings, first = pipe.recv()
            costs = decode_alone(stream.bodies(readings, first), {stream.contract.name: stream.contract})
            assert costs.readings == readings
            pipe.send((costs.mean, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def lengths(batches: int, short: int = 2, middle: int = 20, readings: int = 50_000, warm: int = _WARM) -> list[Length]:
    """`short`, `middle` and all batches at a stretch, each of `readings`. One process reads all, and before each of its batches another
    reads one, which is followed by a new one after `middle` batches: so all is read through the same minutes."""
    young_ones: list[list[float]] = []
    longest: list[float] = []
    largest = 0.0
    with _Process(warm) as old:
        while len(longest) < batches:
            print(f"batch {len(longest):,} of {batches:,} …", file=sys.stderr, flush=True)
            with _Process(warm) as young:
                young_ones.append([])
                for _ in range(min(middle, batches - len(longest))):
                    young_ones[-1].append(young.next(readings))
                    longest.append(old.next(readings))
                largest = max(largest, young.megabytes)
    of_short = _flat(longest[middle * n :][:short] for n in range(len(young_ones)))
    return [
        Length(short * readings, _flat(young[:short] for young in young_ones), of_short, largest),
        Length(middle * readings, _flat(young_ones), longest, largest),
        Length(batches * readings, longest, longest, old.megabytes),
    ]


def _flat(lists: Iterable[Sequence[float]]) -> list[float]:
    return [cost for costs in lists for cost in costs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=200)
    found = lengths(parser.parse_args().batches, readings=Settings().batch_readings)
    print("| readings | CPU µs a reading | of the longest just then | more by the middle pair | memory, MB |\n|---|---|---|---|---|")
    for length in found:
        longest = statistics.fmean(length.of_the_longest)
        print(f"| {length.readings:,} | {length.mean:.2f} | {longest:.2f} | {length.growth:+.1%} | {length.megabytes:.0f} |")
    print(f"it is to be within {FLAT:.0%}, and memory the same")


if __name__ == "__main__":
    main()
