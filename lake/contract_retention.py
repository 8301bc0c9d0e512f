"""The rules of how long a contract's readings are kept: ``timeseries:`` by the time-series store, ``retention:`` by the lake."""

import dataclasses
from typing import TYPE_CHECKING, Any

from lake.contracts import Downsample, LakeRetention, Retention

if TYPE_CHECKING:
    from lake.contract_file import _Checks

# The longest that Timestream for LiveAnalytics keeps anything.
_MOST_DAYS = 73_000
_DAY_SECONDS = 86_400


def read_timeseries(checks: "_Checks", kind: str, given: Any) -> Retention | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        checks.refuse("timeseries", "must be a mapping such as {keep_days: 30}")
    checks.known_keys("timeseries", given, {"keep_days", "downsample"})
    keep_days = checks.whole("timeseries: keep_days", given.get("keep_days"), 1, _MOST_DAYS)
    coarse = given.get("downsample")
    if coarse is None:
        return Retention(keep_days)
    where = "timeseries: downsample"
    if kind == "event":
        checks.refuse(where, "an event has no statistics over time; remove it")
    if not isinstance(coarse, dict):
        checks.refuse(where, "must be a mapping such as {every_seconds: 3600, keep_days: 365}")
    checks.known_keys(where, coarse, {f.name for f in dataclasses.fields(Downsample)})
    every = checks.whole(f"{where}: every_seconds", coarse.get("every_seconds"), 1, _DAY_SECONDS)
    if _DAY_SECONDS % every:
        checks.refuse(f"{where}: every_seconds", f"{every} must divide a day of {_DAY_SECONDS} s, such as 60, 900 or 3600")
    # Longer than the readings themselves, or nothing would be gained.
    return Retention(keep_days, Downsample(every, checks.whole(f"{where}: keep_days", coarse.get("keep_days"), keep_days + 1, _MOST_DAYS)))


def read_retention(checks: "_Checks", given: Any, late_days: int) -> LakeRetention:
    if not isinstance(given, dict):
        checks.refuse("retention", "must be a mapping such as {bronze_days: 90}")
    known = [f.name for f in dataclasses.fields(LakeRetention)]
    checks.known_keys("retention", given, set(known))
    days = {key: checks.whole(f"retention: {key}", given[key], 1, _MOST_DAYS) for key in known if given.get(key) is not None}
    # Bronze that is late by less than this must find its readings, and silver's hours their others.
    for key in ("bronze_days", "silver_days", "gold_days", "features_days"):
        if days.get(key, _MOST_DAYS) <= late_days:
            checks.refuse(f"retention: {key}", f"{days[key]} must be more than late_days, which is {late_days}")
    return LakeRetention(**days)
