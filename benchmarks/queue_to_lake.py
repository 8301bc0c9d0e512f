"""From the queue to the lake by the worker's own process, against decode and Parquet alone on the same messages in the same run.

``python -m benchmarks.queue_to_lake [--readings N] [--rounds N] [--packs N ...]``. The worker runs as fleetlake runs it, against the
emulator's SQS and S3, which are another process: their CPU is not counted, the worker's is, user and system. The queue is filled
while the worker is halted. What came to the lake is held against the truth before a figure is told.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cloud import Cloud, Worker, running
from benchmarks.decode_alone import decode_alone
from benchmarks.stream import Stream, pumps

PACKS = (25, 250)
STORES = {"without": "benchmarks.worker_without_series", "with": "ingestion.worker"}
AT_LEAST = 0.5
# The emulator's queue is slow with many waiting.
_MOST_MESSAGES = 800


@dataclass(frozen=True)
class Figure:
    """CPU µs a reading in packs of `pack`, `series`: without or with the time-series store."""

    pack: int
    series: str
    worker: float
    alone: float

    @property
    def ratio(self) -> float:
        return self.alone / self.worker


def measure(readings: int, rounds: int, packs: Sequence[int] = PACKS, series: Sequence[str] = tuple(STORES)) -> list[Figure]:
    """The best of `rounds` of each, both on the same messages. Raises AssertionError where the lake is not what was sent."""
    figures = []
    for pack in packs:
        stream = pumps(pack)
        of_round = min(readings, _MOST_MESSAGES * pack) // pack * pack
        for name in series:
            with running() as cloud, Worker(cloud, STORES[name]) as worker:
                # The first, in which memory grows and libraries load what they need, is not counted.
                _, *found = [_round(cloud, worker, stream, of_round, number) for number in range(rounds + 1)]
            figures.append(Figure(pack, name, min(one for one, _ in found), min(alone for _, alone in found)))
    return figures


def _round(cloud: Cloud, worker: Worker, stream: Stream, readings: int, number: int) -> tuple[float, float]:
    bodies = list(stream.bodies(readings, number * readings))
    before = cloud.objects("bronze")
    worker.halt()
    cloud.fill(bodies)
    seconds = worker.drain()
    check_lake(cloud.objects("bronze") - before, list(stream.truth(readings, number * readings)), stream)
    alone = decode_alone(bodies, {stream.contract.name: stream.contract}, cloud.settings)
    return seconds / readings * 1e6, alone.mean


def check_lake(files: set[Path], truth: list[tuple[Any, ...]], stream: Stream) -> None:
    """Raises AssertionError where the rows of the objects are not the readings of the truth, each once."""
    table = pa.concat_tables([pq.read_table(file) for file in files])
    times = table["event_time"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    columns = [table["device_id"], table["seq"], times, *(table[field.name] for field in stream.contract.fields)]
    found = sorted(zip(*(column.to_pylist() for column in columns), strict=True))
    assert found == sorted(truth), f"the lake has {len(found)} readings, {len(truth)} were sent, or they differ"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=100_000, help="of a round; at most 800 messages wait at once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--packs", type=int, nargs="+", default=PACKS)
    parser.add_argument("--series", nargs="+", default=tuple(STORES), choices=tuple(STORES))
    asked = parser.parse_args()
    print("| pack | time series | worker, CPU µs a reading | decode and Parquet alone | alone / worker |\n|---|---|---|---|---|")
    for figure in measure(asked.readings, asked.rounds, asked.packs, asked.series):
        print(f"| {figure.pack} | {figure.series} | {figure.worker:.1f} | {figure.alone:.1f} | {figure.ratio:.2f} |")
    print(f"in packs of 250 the worker's way to the lake is to be at least {AT_LEAST} of decode alone")


if __name__ == "__main__":
    main()
