"""The answers computed from the generator's arrays, by numpy and loops and no SQL."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tsbs.messages import device_id
from benchmarks.tsbs.questions import LONG_DAY, LONG_SESSION, Asked
from benchmarks.tsbs.trucks import CADENCE, CHOICES, DIAGNOSTICS, READINGS, START, Arrived, Ints, Trucks

Answer = list[tuple[Any, ...]]
_FIRST_PERIOD = int(START.timestamp()) // 600
_TICKS = 600 // CADENCE
_DAY = 144


class Oracle:
    """`answer(question)` has the rows of the question's answer, in no order."""

    def __init__(self, trucks: Trucks, asked: Asked) -> None:
        self._readings, self._diagnostics = trucks.arrived[READINGS], trucks.arrived[DIAGNOSTICS]
        self._asked = asked
        self._middle = int((asked.middle - START) / timedelta(seconds=CADENCE))
        self._answers: Mapping[str, Callable[[], Answer]] = {
            "last-loc": lambda: self._last(self._readings, self._of_fleet(self._readings), ("longitude", "latitude")),
            "single-last-loc": lambda: self._last(self._readings, np.isin(self._readings.truck, asked.trucks), ("longitude", "latitude")),
            "low-fuel": self._low_fuel,
            "high-load": self._high_load,
            "stationary-trucks": self._stationary,
            "long-driving-sessions": lambda: self._long(4, LONG_SESSION),
            "long-daily-sessions": lambda: self._long(24, LONG_DAY),
            "avg-vs-projected-fuel-consumption": self._fuel,
            "avg-daily-driving-duration": self._daily_hours,
            "avg-daily-driving-session": self._sessions,
            "avg-load": self._load,
            "daily-activity": self._activity,
            "breakdown-frequency": self._breakdowns,
        }

    def answer(self, question: str) -> Answer:
        return self._answers[question]()

    def _of_fleet(self, entries: Arrived) -> NDArray[np.bool_]:
        return entries.tags["fleet"] == CHOICES["fleet"].index(self._asked.fleet)

    def _last_places(self, entries: Arrived, mask: NDArray[np.bool_]) -> list[int]:
        """Where the newest entry of each truck stands, of those in `mask`."""
        newest: dict[int, int] = {}
        for place in np.flatnonzero(mask).tolist():
            truck = int(entries.truck[place])
            if truck not in newest or entries.tick[place] > entries.tick[newest[truck]]:
                newest[truck] = place
        return list(newest.values())

    def _last(self, entries: Arrived, mask: NDArray[np.bool_], fields: Sequence[str]) -> Answer:
        places = self._last_places(entries, mask)
        return [
            (device_id(int(entries.truck[p])), _word(entries, "driver", p), *(_number(entries.values[f][p]) for f in fields))
            for p in places
        ]

    def _low_fuel(self) -> Answer:
        found = self._last(self._diagnostics, self._of_fleet(self._diagnostics), ("fuel_state",))
        return [row for row in found if row[2] is not None and row[2] < 0.1]

    def _high_load(self) -> Answer:
        entries, capacity = self._diagnostics, self._diagnostics.tag_values("load_capacity")
        loads = entries.values["current_load"]
        places = [p for p in self._last_places(entries, self._of_fleet(entries)) if loads[p] / capacity[p] > 0.9]
        return [(device_id(int(entries.truck[p])), _word(entries, "driver", p), float(loads[p])) for p in places]

    def _stationary(self) -> Answer:
        entries = self._readings
        within = self._of_fleet(entries) & (entries.tick >= self._middle) & (entries.tick < self._middle + _TICKS)
        rows = []
        for truck in np.unique(entries.truck[within]).tolist():
            mine = within & (entries.truck == truck)
            velocities = _there(entries.values["velocity"][mine])
            if len(velocities) and velocities.mean() < 1:
                rows.append((device_id(truck), _greatest(entries, "driver", mine)))
        return rows

    def _long(self, hours: int, most: int) -> Answer:
        entries = self._readings
        within = self._of_fleet(entries) & (entries.tick >= self._middle) & (entries.tick < self._middle + hours * 3600 // CADENCE)
        rows = []
        for truck, periods in _driven(entries, within, 1).items():
            if len(periods) > most:
                counted = within & (entries.truck == truck) & np.isin(_period(entries), periods)
                rows.append((device_id(truck), _greatest(entries, "driver", counted)))
        return rows

    def _fuel(self) -> Answer:
        entries, nominal = self._readings, self._readings.tag_values("nominal_fuel_consumption")
        moving = (entries.values["velocity"] > 1) & ~np.isnan(nominal)
        rows = []
        for code, fleet in enumerate(CHOICES["fleet"]):
            mine = moving & (entries.tags["fleet"] == code)
            if mine.any():
                rows.append((fleet, float(np.nanmean(entries.values["fuel_consumption"][mine])), float(nominal[mine].mean())))
        return rows

    def _daily_hours(self) -> Answer:
        entries, rows = self._readings, []
        everything = np.ones(len(entries), dtype=bool)
        for truck, periods in _driven(entries, everything, 1).items():
            _, counts = np.unique(periods // _DAY, return_counts=True)
            counted = (entries.truck == truck) & np.isin(_period(entries), periods)
            words = (_greatest(entries, tag, counted) for tag in ("fleet", "driver"))
            fleet, driver = words
            rows.append((fleet, device_id(truck), driver, float((counts / 6).mean())))
        return rows

    def _sessions(self) -> Answer:
        rows: Answer = []
        for truck, means in _means(self._readings, "velocity").items():
            is_driving = [(period, mean > 5) for period, mean in sorted(means.items())]
            turns = [now for before, now in pairwise(is_driving) if before[1] != now[1]]
            ends = [turn[0] for turn in turns[1:]] + [None]
            by_day: dict[int, list[int]] = {}
            # Where nothing turns there is still the end of what would be last.
            for (period, begins), end in zip(turns, ends, strict=False):
                if begins:
                    by_day.setdefault(period // _DAY, []).extend([] if end is None else [(end - period) * 600])
            rows += [(device_id(truck), day, float(np.mean(lengths)) if lengths else None) for day, lengths in by_day.items()]
        return rows

    def _load(self) -> Answer:
        entries, capacity = self._diagnostics, self._diagnostics.tag_values("load_capacity")
        shares: dict[tuple[Any, ...], list[float]] = {}
        for truck in np.unique(entries.truck).tolist():
            mine = entries.truck == truck
            most = float(np.nanmax(capacity[mine]))
            key = (_greatest(entries, "fleet", mine), _greatest(entries, "model", mine), most)
            shares.setdefault(key, []).append(float(np.nanmean(entries.values["current_load"][mine])) / most)
        return [(*key, float(np.mean(found))) for key, found in shares.items()]

    def _activity(self) -> Answer:
        entries = self._diagnostics
        tagged = (entries.tags["fleet"] >= 0) & (entries.tags["model"] >= 0)
        active: dict[tuple[str, str, int], int] = {}
        for truck, means in _means(entries, "status", tagged).items():
            mine = tagged & (entries.truck == truck)
            fleet, model = (_greatest(entries, tag, mine) for tag in ("fleet", "model"))
            assert fleet is not None
            assert model is not None
            for period, mean in means.items():
                if mean < 1:
                    key = (fleet, model, period // _DAY)
                    active[key] = active.get(key, 0) + 1
        return [(*key, count / _DAY) for key, count in active.items()]

    def _breakdowns(self) -> Answer:
        entries = self._diagnostics
        known = entries.tags["model"] >= 0
        shares = _means(entries, "status", known, lambda status: (status != 0).astype(float))
        count: dict[str, int] = {}
        for truck, periods in shares.items():
            model = _greatest(entries, "model", known & (entries.truck == truck))
            assert model is not None
            is_down = [share >= 0.5 for _, share in sorted(periods.items())]
            breaks = sum(now and not before for before, now in pairwise(is_down))
            if breaks:
                count[model] = count.get(model, 0) + breaks
        return list(count.items())


def _period(entries: Arrived) -> Ints:
    return entries.tick // _TICKS + _FIRST_PERIOD


def _means(
    entries: Arrived,
    field: str,
    mask: "NDArray[np.bool_] | None" = None,
    of: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda values: values,
) -> dict[int, dict[int, float]]:
    """By truck and ten minutes, the mean of the field's values in `mask`; nothing where there is none."""
    values = entries.values[field]
    kept = ~np.isnan(values) if mask is None else mask & ~np.isnan(values)
    truck, period, wanted = entries.truck[kept], _period(entries)[kept], of(values[kept])
    span = int(period.max(initial=0)) + 1
    keys, place = np.unique(truck * span + period, return_inverse=True)
    means = np.bincount(place, wanted) / np.bincount(place)
    found: dict[int, dict[int, float]] = {}
    for key, mean in zip(keys.tolist(), means.tolist(), strict=True):
        found.setdefault(key // span, {})[key % span] = mean
    return found


def _driven(entries: Arrived, mask: NDArray[np.bool_], above: float) -> dict[int, Ints]:
    """By truck, the ten minutes whose mean velocity is above so much; a truck that has none is left out."""
    means = _means(entries, "velocity", mask)
    found = {truck: np.array([p for p, mean in periods.items() if mean > above], np.int64) for truck, periods in means.items()}
    return {truck: periods for truck, periods in found.items() if len(periods)}


def _word(entries: Arrived, tag: str, place: int) -> str | None:
    code = int(entries.tags[tag][place])
    return None if code < 0 else CHOICES[tag][code]


def _greatest(entries: Arrived, tag: str, mask: NDArray[np.bool_]) -> str | None:
    """As max() over texts: the tag's greatest word among the entries that have one."""
    codes = np.unique(entries.tags[tag][mask])
    return max((CHOICES[tag][code] for code in codes.tolist() if code >= 0), default=None)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _there(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]
