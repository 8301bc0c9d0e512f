"""A batch into the lake: put bronze, put quarantine, write the time series. In this order, and before anything is deleted.

The worker and the Lambda function deliver by this one function; what they do with their messages afterwards is their own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from ingestion.bronze import Row, put_bronze
from lake.contracts import Contract
from lake.quarantine import Quarantined, put_quarantined
from lake.reasons import Reason
from runtime.log import logger
from runtime.metrics import count
from runtime.platforms import Platform
from runtime.timeseries import Point

# Between two effects: what dies at one of them is delivered again, and met by object name or event id.
BOUNDARIES = ("put_bronze", "put_quarantine", "wrote_timeseries")
log = logger("delivery")


@dataclass(frozen=True)
class Delivered:
    """Readings put to bronze and, by reason, to quarantine; bronze objects made and met; readings that the time series missed."""

    bronze: int
    quarantined: Mapping[Reason, int]
    made: int
    existing: int
    missed: int

    def count(self, stream: TextIO) -> None:
        """As metrics."""
        count(stream, "readings_bronze", self.bronze)
        count(stream, "objects_put", self.made)
        count(stream, "objects_existing", self.existing)
        count(stream, "timeseries_failures", self.missed)
        for reason, rows in self.quarantined.items():
            count(stream, "readings_quarantined", rows, reason=reason.value)


def unwatched(_boundary: str) -> None:
    """The boundaries' name is asked for by tests alone."""


def deliver(
    platform: Platform,
    rows: Sequence[Row],
    quarantined: Sequence[Quarantined],
    contracts: Mapping[str, Contract],
    put_at: datetime,
    boundary: Callable[[str], None] = unwatched,
    may_project: Callable[[], bool] = lambda: True,
) -> Delivered:
    """Raises what boto3 raises, or RetryLater, where S3 is away: then nothing may be deleted. The time series never holds it up.

    `may_project` is asked just before the time series is written: whoever has no time left for it says no.
    """
    made, existing = put_bronze(platform, rows, contracts, put_at)
    boundary("put_bronze")
    put_quarantined(platform, quarantined, put_at, contracts)
    boundary("put_quarantine")
    missed = project(platform, rows) if may_project() else len(rows)
    boundary("wrote_timeseries")
    return Delivered(len(rows), Counter(row.reason for row in quarantined), made, existing, missed)


def project(platform: Platform, rows: Iterable[Row]) -> int:
    """Write the time series; how many readings it missed. It is rebuilt from the lake then; it never holds the lake up."""
    points = [
        Point(envelope.contract, envelope.device_id, reading.event_time, {k: v for k, v in reading.values.items() if k != "_extra"})
        for reading, envelope in rows
    ]
    try:
        rejects = platform.time_series().write(points)
    except Exception as error:  # noqa: BLE001 - whatever a store does wrong, the readings are in the lake
        log.warning(f"time series: {len(points)} readings are only in the lake: {error}")
        return len(points)
    if rejects:
        first = rejects[0]
        log.warning(f"time series: {len(rejects)} readings are only in the lake: {points[first.index].device_id}: {first.reason}")
    return len(rejects)
