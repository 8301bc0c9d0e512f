"""Where readings are missing: by a contract's cadence and by the devices' own counts, from silver as it is or was known.

Two neighbouring readings of a device have a gap between them where more than 1.5 cadences lie between them, or where the count
within one boot goes on by more than one. The count tells why: readings that were made and have not come are *lost* (on their way,
or in quarantine, or still to come), a count that goes on by one says that the device was *silent*, another boot that it
*restarted*. A device whose last reading is further back than that from the end of the time looked at is *silent* still. A gap counts
that reaches into the time looked at, wherever it begins; of a device that was last heard more than 30 days before it nothing is said.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from lake.contracts import Contract
from lake.query import sql
from runtime.clock import Clock, SystemClock
from runtime.errors import UserError
from runtime.platforms import Platform

# In place of a contract's limit, of events: longer than any two readings are apart.
_NEVER = 1e10
_LOOK_BACK = timedelta(days=30)


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
    """The gaps that reach into [`first`, `end`), by device and time; both have a zone.

    Raises UserError for a time that does not go forward, QueryError for an `as_of` that cannot be answered.
    """
    until = min(end, (clock or SystemClock()).now())
    if first >= until:
        raise UserError(f"gaps of {contract.name}: nothing lies between {first.isoformat()} and {until.isoformat()}")
    limit = contract.gap_seconds or _NEVER
    parameters = [first - _LOOK_BACK, until, *([device] if device is not None else []), until, first, until, round(limit * 1000)]
    found = sql(_neighbours(contract.name, device is not None), as_of=as_of, platform=platform, parameters=parameters, clock=clock).rows
    return [gap for row in found if (gap := _gap(_Pair(*row), until, limit)) is not None]


def heard(
    platform: Platform,
    contract: Contract,
    first: datetime,
    end: datetime,
    *,
    device: str | None = None,
    as_of: datetime | str | None = None,
) -> int:
    """How many devices (of one: whether it) sent a reading that `find` looks at. Where none did, there is nothing between which a gap could lie."""
    one = "AND device_id = ?" if device is not None else ""
    text = f"SELECT count(DISTINCT device_id) FROM silver.{contract.name} WHERE event_time >= ? AND event_time < ? {one}"  # noqa: S608 - a contract's name, as in _neighbours
    parameters = [first - _LOOK_BACK, end, *([device] if device is not None else [])]
    return int(sql(text, as_of=as_of, platform=platform, parameters=parameters).rows[0][0])


def _neighbours(contract: str, of_one_device: bool) -> str:
    """Neighbouring readings that are too far apart by time or count; the last of each device beside nothing.

    In what DuckDB and Athena's Trino both take, and with the times where files are pruned by them.
    """
    device = "AND device_id = ?" if of_one_device else ""
    order = "OVER (PARTITION BY device_id ORDER BY event_time, seq, event_id)"
    return f"""
        SELECT device_id, begins, ends, boot, seq, next_boot, next_seq
        FROM (
            SELECT device_id, event_time AS begins, boot, seq,
                lead(event_time) {order} AS ends, lead(boot) {order} AS next_boot, lead(seq) {order} AS next_seq
            FROM silver.{contract} WHERE event_time >= ? AND event_time < ? {device}
        ) pairs
        WHERE coalesce(ends, ?) > ?
            AND (date_diff('millisecond', begins, coalesce(ends, ?)) > ? OR (boot = next_boot AND next_seq > seq + 1))
        ORDER BY device_id, begins
    """  # noqa: S608 - a contract's name is letters, digits and underscores


class _Pair(NamedTuple):
    device: str
    begins: datetime
    ends: datetime | None
    boot: str | None
    seq: int | None
    next_boot: str | None
    next_seq: int | None


def _gap(pair: _Pair, until: datetime, limit: float) -> Gap | None:
    """`limit`: seconds that may lie between two readings."""
    seconds = ((pair.ends or until) - pair.begins).total_seconds()

    def gap(kind: Kind, lost: int | None) -> Gap:
        return Gap(pair.device, pair.begins, pair.ends, seconds, kind, lost)

    if pair.ends is None or None in (pair.boot, pair.seq, pair.next_boot, pair.next_seq):
        return gap(Kind.SILENT, None)
    if pair.boot != pair.next_boot:
        return gap(Kind.RESTARTED, pair.next_seq)
    # A count that goes back is one reading's own clock, not a gap.
    lost = max((pair.next_seq or 0) - (pair.seq or 0) - 1, 0)
    if not lost and seconds <= limit:
        return None
    return gap(Kind.LOST if lost else Kind.SILENT, lost)
