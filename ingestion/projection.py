"""The worker's side of the time-series store: it never holds the lake up, and what it missed is caught up from bronze.

A batch that the store does not take is noted in the lake's bucket, object by object, before its messages are deleted. When the
store is back, each call of `keep_up` writes one noted object from bronze. While it is away it is asked seldom: a store that
answers by a timeout would otherwise cost every batch that long.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from ingestion.bronze import bronze_objects
from ingestion.catch_up import catch_up
from ingestion.retention import tend
from ingestion.rows import Rows
from lake.contracts import Contract
from lake.missed import missed, note_missed
from runtime.errors import FleetlakeError
from runtime.log import logger
from runtime.platforms import Platform

_FIRST_REST, _LONGEST_REST = 5.0, 60.0
# How often to look for what other workers missed, and how often to let old readings go.
_LOOK_SECONDS = 300.0
_TEND_SECONDS = 3600.0
_LISTED = 100
log = logger("timeseries")


class Projection:
    """One worker's. `seconds` is a monotonic clock."""

    def __init__(self, platform: Platform, seconds: Callable[[], float] = time.monotonic) -> None:
        self.platform = platform
        self._seconds = seconds
        self._rests_until = self._looks_at = self._tends_at = 0.0
        self._rest = _FIRST_REST
        self._noted: list[str] = []

    def project(self, rows: Rows, put_at: datetime) -> int:
        """Write the readings that were just put to bronze; how many the store missed.

        Raises only what keeps a note from being put, and S3 is away then: the messages must not be deleted.
        """
        if not rows:
            return 0
        if self._seconds() < self._rests_until:
            return self.note(rows, put_at)
        try:
            points = rows.points()
            rejects = self.platform.time_series().write(points)
        except Exception as error:  # noqa: BLE001 - whatever a store does wrong, the readings are in the lake
            self._is_away(error)
            return self.note(rows, put_at)
        self._rest = _FIRST_REST
        if rejects:
            first = rejects[0]
            log.warning(f"time series: {len(rejects)} readings are only in the lake: {points[first.index].device_id}: {first.reason}")
        return len(rejects)

    def note(self, rows: Rows, put_at: datetime) -> int:
        """Note as missed what was just put to bronze; how many readings. Raises where S3 is away."""
        objects = bronze_objects(rows, put_at)
        for key in objects:
            note_missed(self.platform, key)
        self._looks_at = self._rests_until
        return len(rows)

    def keep_up(self, contracts: Mapping[str, Contract], now: datetime) -> bool:
        """Do one thing that is left: catch one missed object up, or let old readings go. Whether something more is known to be left."""
        seconds = self._seconds()
        if seconds < self._rests_until:
            return False
        try:
            if not self._noted and seconds >= self._looks_at:
                self._noted = list(islice(missed(self.platform), _LISTED))
                self._looks_at = seconds + _LOOK_SECONDS
            if self._noted:
                self._catch_up(self._noted.pop(0))
            elif seconds >= self._tends_at:
                # Only when nothing is missed: a reading that is late for this reason shall be in its window.
                self._tends_at = seconds + _TEND_SECONDS
                self._tend(contracts, now)
        except Exception as error:
            # The edge: what a store does wrong must not end the worker.
            if not isinstance(error, FleetlakeError | ClientError | BotoCoreError):
                log.exception("time series: unexpected error")
            self._noted = []
            self._looks_at = 0.0
            self._is_away(error)
        return bool(self._noted)

    def _catch_up(self, key: str) -> None:
        try:
            caught = catch_up(self.platform, key)
        except (FleetlakeError, ClientError, BotoCoreError):
            raise
        except Exception:
            # An object that cannot be read must not keep the others from it; its note stays.
            log.exception(f"time series: {key} cannot be caught up")
            return
        log.info(f"time series: caught up {caught.written} readings of {key}{'; it is gone' if caught.is_gone else ''}")
        if not self._noted:
            # There may be more than were listed.
            self._looks_at = 0.0

    def _tend(self, contracts: Mapping[str, Contract], now: datetime) -> None:
        for contract in contracts.values():
            if contract.timeseries:
                tend(self.platform.time_series(), contract, now)

    def _is_away(self, error: Exception) -> None:
        log.warning(f"{error}; the store is asked again in {self._rest:g} s; the lake has every reading")
        self._rests_until = self._seconds() + self._rest
        self._rest = min(_LONGEST_REST, self._rest * 2)
