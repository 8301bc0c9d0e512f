"""A batch into the lake: put bronze, put quarantine, write the time series. In this order, and before anything is deleted.

The worker and the Lambda function deliver by this one function; what they do with their messages afterwards is their own.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from ingestion.bronze import put_bronze
from ingestion.projection import Projection
from ingestion.rows import Rows
from lake.contracts import Contract
from lake.quarantine import Quarantined, put_quarantined
from lake.reasons import Reason
from runtime.metrics import Source, Value, emit

# Between two effects: what dies at one of them is delivered again, and met by object name or event id.
BOUNDARIES = ("put_bronze", "put_quarantine", "wrote_timeseries")


@dataclass(frozen=True)
class Delivered:
    """Readings put to bronze and, by reason, to quarantine; bronze objects made and met, quarantine objects made; readings that the
    time series missed; seconds from the rule to the lake, of each message or reading."""

    bronze: int
    quarantined: Mapping[Reason, int]
    made: int
    existing: int
    quarantine_made: int
    missed: int
    seconds: Sequence[float]

    @property
    def refused(self) -> int:
        return sum(self.quarantined.values())

    def told(self) -> str:
        return f"delivered {self.bronze} readings to bronze" + (f", {self.refused} to quarantine" if self.refused else "")

    def emit(self, stream: TextIO, source: Source, more: Mapping[str, Value]) -> None:
        """As metrics, with `more` of the same batch."""
        values: dict[str, Value] = {
            "readings": self.bronze + self.refused,
            "readings_bronze": self.bronze,
            "readings_quarantined": self.refused,
            "objects_put": self.made + self.quarantine_made,
            "objects_existing": self.existing,
            "timeseries_failures": self.missed,
            "arrival_seconds": self.seconds,
        }
        emit(stream, source, {**values, **more})
        for reason, rows in self.quarantined.items():
            emit(stream, source, {"readings_quarantined": rows}, reason=reason.value)


def unwatched(_boundary: str) -> None:
    """The boundaries' name is asked for by tests alone."""


def deliver(
    projection: Projection,
    rows: Rows,
    quarantined: Sequence[Quarantined],
    contracts: Mapping[str, Contract],
    put_at: datetime,
    boundary: Callable[[str], None] = unwatched,
    may_project: Callable[[], bool] = lambda: True,
) -> Delivered:
    """Raises what boto3 raises, or RetryLater, where S3 is away: then nothing may be deleted. The time series never holds it up.

    `may_project` is asked just before the time series is written: whoever has no time left for it says no, and it is noted
    as missed.
    """
    began = time.monotonic()
    made, existing = put_bronze(projection.platform, rows, put_at)
    boundary("put_bronze")
    quarantine_made = put_quarantined(projection.platform, quarantined, put_at, contracts)
    boundary("put_quarantine")
    took = time.monotonic() - began
    missed = projection.project(rows, put_at) if may_project() else projection.note(rows, put_at)
    boundary("wrote_timeseries")
    received = [*rows.received(), *(row.received_at for row in quarantined if row.received_at)]
    seconds = [max(0.0, (put_at - at).total_seconds() + took) for at in received]
    return Delivered(len(rows), Counter(row.reason for row in quarantined), made, existing, quarantine_made, missed, seconds)
