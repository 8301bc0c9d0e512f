"""Where readings are missing: by a contract's cadence and by the devices' own counts, from silver as it is or was known.

Two neighbouring readings of a device have a gap between them where more than 1.5 cadences lie between them, or where the count
within one boot goes on by more than one. The count tells why: readings that were made and have not come are *lost* (on their way,
or in quarantine, or still to come), a count that goes on by one says that the device was *silent*, another boot that it
*restarted*. A device whose last reading is further back than that from the end of the time looked at is *silent* still.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lake.contracts import Contract
from lake.query import sql
from runtime.clock import Clock, SystemClock
from runtime.errors import UserError
from runtime.platforms import Platform


class Kind(StrEnum):
    LOST = "lost"
    SILENT = "silent"
    RESTARTED = "restarted"


@dataclass(frozen=True)
class Gap:
    """Between the readings at `begins` and `ends` (None: it has not ended). `lost`: readings that by their count were made in it, at
    least; None where nothing counts them."""

    device_id: str
    begins: datetime
    ends: datetime | None
    seconds: float
    kind: Kind
    lost: int | None


def find(
    platform: Platform,
    contract: Contract,
    first: datetime,
    end: datetime,
    *,
    device: str | None = None,
    as_of: datetime | str | None = None,
    clock: Clock | None = None,
) -> list[Gap]:
    """The gaps between readings of [`first`, `end`), by device and time; both have a zone.

    Raises UserError for a time that does not go forward, QueryError for an `as_of` that cannot be answered.
    """
    now = (clock or SystemClock()).now()
    if first >= min(end, now):
        raise UserError(f"gaps of {contract.name}: nothing lies between {first.isoformat()} and {min(end, now).isoformat()}")
    parameters = [first, min(end, now), device, device, contract.gap_seconds]
    found = sql(_neighbours(contract.name), as_of=as_of, platform=platform, parameters=parameters, clock=clock).rows
    gaps = [_gap(*row) for row in found]
    return [gap for gap in gaps if gap is not None]


def _neighbours(contract: str) -> str:
    """Neighbouring readings that are too far apart by time or count; the last of each device beside nothing."""
    return f"""
        WITH asked AS (SELECT ?::TIMESTAMPTZ AS first, ?::TIMESTAMPTZ AS until),
        readings AS (
            SELECT device_id, event_time, boot, seq, event_id FROM silver.{contract}, asked
            WHERE event_time >= first AND event_time < until AND (?::VARCHAR IS NULL OR device_id = ?)
        ),
        pairs AS (
            SELECT device_id, event_time AS begins, boot, seq,
                lead(event_time) OVER device AS ends, lead(boot) OVER device AS next_boot, lead(seq) OVER device AS next_seq
            FROM readings WINDOW device AS (PARTITION BY device_id ORDER BY event_time, seq, event_id)
        ),
        measured AS (SELECT *, date_diff('millisecond', begins, coalesce(ends, until)) / 1000.0 AS seconds FROM pairs, asked)
        SELECT device_id, begins, ends, seconds, boot, seq, next_boot, next_seq, seconds > coalesce(?::DOUBLE, 'inf'::DOUBLE) AS is_long
        FROM measured
        WHERE is_long OR (ends IS NOT NULL AND boot = next_boot AND next_seq > seq + 1)
        ORDER BY device_id, begins
    """  # noqa: S608 - a contract's name is letters, digits and underscores


def _gap(
    device: str,
    begins: datetime,
    ends: datetime | None,
    seconds: float,
    boot: str | None,
    seq: int | None,
    next_boot: str | None,
    next_seq: int | None,
    is_long: bool,
) -> Gap | None:
    if ends is None:
        return Gap(device, begins, None, seconds, Kind.SILENT, None)
    if boot is None or seq is None or next_boot is None or next_seq is None:
        return Gap(device, begins, ends, seconds, Kind.SILENT, None)
    if boot != next_boot:
        return Gap(device, begins, ends, seconds, Kind.RESTARTED, next_seq)
    # A count that goes back is one reading's own clock, not a gap.
    lost = max(next_seq - seq - 1, 0)
    if not lost and not is_long:
        return None
    return Gap(device, begins, ends, seconds, Kind.LOST if lost else Kind.SILENT, lost)
