"""Which devices are silent: a state for each device, and one for the fleet of a contract, that change one step at a time.

    online ─▶ offline      nothing arrived for three times as long as it usually is between two arrivals, and two cadences at least
    offline ─▶ online      something arrived since
    fleet: well ─▶ silent  so many devices would go offline at once that it is not they: half of those online, three at least, or the
                           queue is behind. Nothing else changes meanwhile, and there is one alarm and not one for each device
    fleet: silent ─▶ well  fewer are silent; or an hour has passed in which others arrived: then those silent go offline, in that one alarm

What has happened is told by arrivals, which the platform's clock counts: a device's own clock may be wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lake.contracts import Contract

# In place of a device: all of a contract.
FLEET = "*"
_USUAL_TIMES = 3
_CADENCES = 2
# From the device to bronze, as far as nobody waits.
_ON_ITS_WAY = timedelta(seconds=120)
_AT_ONCE = 3
_SETTLED = timedelta(hours=1)


class State(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    WELL = "well"
    SILENT = "silent"


@dataclass(frozen=True)
class Arrivals:
    """Of a device: when something arrived last, and how many seconds it usually is between two arrivals (None: too few to tell)."""

    device_id: str
    last: datetime
    usual_seconds: float | None


@dataclass(frozen=True)
class Change:
    """A device, or the fleet, is in `state` from `at` on. `is_alarm`: a person is told of it."""

    device_id: str
    state: State
    at: datetime
    last_seen: datetime | None
    usual_seconds: float | None
    why: str
    is_alarm: bool


Known = Mapping[str, tuple[State, datetime]]


def judge(contract: Contract, arrivals: Sequence[Arrivals], known: Known, now: datetime, behind: str = "") -> list[Change]:
    """What changes at `now`. `known` is each device's state and since when, `behind` why the platform itself cannot tell (empty: it can)."""
    fell_silent = [one for one in arrivals if _state(known, one) is State.ONLINE and _is_silent(contract, one, now)]
    is_fleet_silent = _of_fleet(known) is State.SILENT
    online = [one for one in arrivals if _state(known, one) is State.ONLINE]
    why = behind or _why_fleet(fell_silent, online)
    if why and not _is_settled(known, fell_silent, online, now, behind):
        newest = max((one.last for one in arrivals), default=None)
        return [] if is_fleet_silent else [Change(FLEET, State.SILENT, now, newest, None, why, is_alarm=True)]
    # Those that a fleet's one alarm has told of already are not told of again.
    changes = [_offline(contract, one, now, is_alarm=not is_fleet_silent) for one in fell_silent]
    changes += [change for one in arrivals if (change := _came(contract, one, known, now)) is not None]
    if is_fleet_silent:
        left = f"; {len(fell_silent)} devices are offline" if fell_silent else ""
        changes.append(
            Change(FLEET, State.WELL, now, max(one.last for one in arrivals), None, f"devices are heard again{left}", is_alarm=True)
        )
    return changes


def limit_of(contract: Contract, arrivals: Arrivals) -> timedelta:
    """How long a device may be silent."""
    cadence = contract.cadence_seconds or 0.0
    return timedelta(seconds=max(_USUAL_TIMES * (arrivals.usual_seconds or cadence), _CADENCES * cadence)) + _ON_ITS_WAY


def _is_silent(contract: Contract, arrivals: Arrivals, now: datetime) -> bool:
    return now - arrivals.last > limit_of(contract, arrivals)


def _state(known: Known, arrivals: Arrivals) -> State:
    """One that is not known yet was online when it was first heard."""
    return known[arrivals.device_id][0] if arrivals.device_id in known else State.ONLINE


def _of_fleet(known: Known) -> State:
    return known[FLEET][0] if FLEET in known else State.WELL


def _why_fleet(fell_silent: Sequence[Arrivals], online: Sequence[Arrivals]) -> str:
    if len(fell_silent) < _AT_ONCE or 2 * len(fell_silent) < len(online):
        return ""
    return f"{len(fell_silent)} of {len(online)} devices fell silent at once: look at what they share before you look at one of them"


def _is_settled(known: Known, fell_silent: Sequence[Arrivals], online: Sequence[Arrivals], now: datetime, behind: str) -> bool:
    """Whether the fleet has been silent for so long, while others arrived, that it is the devices after all."""
    if behind or _of_fleet(known) is not State.SILENT or len(fell_silent) == len(online):
        return False
    return now - known[FLEET][1] >= _SETTLED


def _offline(contract: Contract, one: Arrivals, now: datetime, is_alarm: bool) -> Change:
    limit = limit_of(contract, one).total_seconds()
    usual = f", usually every {one.usual_seconds:.0f} s" if one.usual_seconds else ""
    why = f"nothing has arrived since {one.last:%Y-%m-%d %H:%M:%S}Z{usual}; after {limit:.0f} s of silence it counts as offline"
    return Change(one.device_id, State.OFFLINE, now, one.last, one.usual_seconds, why, is_alarm)


def _came(contract: Contract, one: Arrivals, known: Known, now: datetime) -> Change | None:
    """The first time that a device is heard, and when it is heard again."""
    if _is_silent(contract, one, now):
        return None
    if one.device_id not in known:
        return Change(one.device_id, State.ONLINE, now, one.last, one.usual_seconds, "heard for the first time", is_alarm=False)
    state, since = known[one.device_id]
    if state is State.OFFLINE and one.last > since:
        return Change(one.device_id, State.ONLINE, now, one.last, one.usual_seconds, "heard again", is_alarm=True)
    return None
