"""Devices go offline by what is usual for them, and a fleet or a pipeline that is silent is one alarm."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lake.contracts import Contract, load_contracts
from lake.health import FLEET, Arrivals, Change, State, judge
from runtime.settings import REPOSITORY

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def pump() -> Contract:
    """Cadence 300 s: at the least 600 s of silence, and two minutes on the way."""
    return load_contracts(REPOSITORY / "contracts")["pump"]


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def heard(ago: float, device: str = "p-1", usual: float | None = 300) -> Arrivals:
    return Arrivals(device, minutes(-ago), usual)


def fleet(silent: int, loud: int) -> list[Arrivals]:
    return [heard(60, f"s-{number}") for number in range(silent)] + [heard(1, f"l-{number}") for number in range(loud)]


def known(arrivals: list[Arrivals], **others: Any) -> dict[str, tuple[State, datetime]]:
    return {one.device_id: (State.ONLINE, minutes(-600)) for one in arrivals} | others


def told(changes: list[Change]) -> list[tuple[str, str, bool]]:
    return [(change.device_id, str(change.state), change.is_alarm) for change in changes]


@pytest.mark.parametrize(
    ("ago", "usual", "offline"),
    [
        (16.9, 300, False),
        (17.1, 300, True),
        (17.1, 1_800, False),
        (91.9, 1_800, False),
        (92.1, 1_800, True),
        (11.9, 10, False),
        (12.1, 10, True),
        (17.1, None, True),
    ],
)
def test_a_device_is_offline_after_three_times_what_is_usual_for_it(pump: Contract, ago: float, usual: float | None, offline: bool) -> None:
    one = heard(ago, usual=usual)
    assert told(judge(pump, [one], known([one]), NOON)) == ([("p-1", "offline", True)] if offline else [])


def test_one_that_is_heard_for_the_first_time_is_online_without_an_alarm(pump: Contract) -> None:
    assert told(judge(pump, [heard(1)], {}, NOON)) == [("p-1", "online", False)]


def test_an_offline_device_is_said_once_and_online_when_it_is_heard_again(pump: Contract) -> None:
    offline = {"p-1": (State.OFFLINE, minutes(-30))}
    assert judge(pump, [heard(60)], offline, NOON) == []
    assert told(judge(pump, [heard(1)], offline, NOON)) == [("p-1", "online", True)]


def test_half_a_fleet_that_falls_silent_is_one_alarm_and_no_device_changes(pump: Contract) -> None:
    arrivals = fleet(silent=5, loud=5)
    (change,) = judge(pump, arrivals, known(arrivals), NOON)
    assert (change.device_id, change.state, change.is_alarm) == (FLEET, State.SILENT, True)
    assert change.why.startswith("5 of 10 devices fell silent at once")
    assert judge(pump, arrivals, known(arrivals, **{FLEET: (State.SILENT, minutes(-5))}), NOON) == []


def test_fewer_than_half_are_devices(pump: Contract) -> None:
    arrivals = fleet(silent=4, loud=5)
    assert told(judge(pump, arrivals, known(arrivals), NOON)) == [(f"s-{number}", "offline", True) for number in range(4)]


def test_two_of_two_are_devices_too(pump: Contract) -> None:
    arrivals = fleet(silent=2, loud=0)
    assert len(judge(pump, arrivals, known(arrivals), NOON)) == 2


def test_while_the_pipeline_is_behind_nothing_is_said_of_any_device(pump: Contract) -> None:
    arrivals = fleet(silent=1, loud=9)
    (change,) = judge(pump, arrivals, known(arrivals), NOON, behind="the oldest message has waited 20 minutes")
    assert (change.device_id, change.state, change.why) == (FLEET, State.SILENT, "the oldest message has waited 20 minutes")


def test_a_fleet_that_is_heard_again_is_one_alarm(pump: Contract) -> None:
    arrivals = fleet(silent=0, loud=10)
    assert told(judge(pump, arrivals, known(arrivals, **{FLEET: (State.SILENT, minutes(-30))}), NOON)) == [(FLEET, "well", True)]


def test_those_that_stay_silent_for_an_hour_while_others_are_heard_go_offline_in_the_fleets_alarm(pump: Contract) -> None:
    arrivals = fleet(silent=5, loud=5)
    changes = judge(pump, arrivals, known(arrivals, **{FLEET: (State.SILENT, minutes(-60))}), NOON)
    assert told(changes) == [*((f"s-{number}", "offline", False) for number in range(5)), (FLEET, "well", True)]
    assert changes[-1].why == "devices are heard again; 5 devices are offline"


def test_a_fleet_of_which_nothing_is_heard_stays_silent(pump: Contract) -> None:
    arrivals = fleet(silent=10, loud=0)
    assert judge(pump, arrivals, known(arrivals, **{FLEET: (State.SILENT, minutes(-6_000))}), NOON) == []


@pytest.mark.parametrize("seed", range(20))
def test_through_any_day_a_state_never_repeats_and_ends_as_the_arrivals_say(pump: Contract, seed: int) -> None:
    """Devices that come and go, looked at every five minutes; then all are heard, and all are online."""
    rng = random.Random(seed)
    last = {f"p-{number}": minutes(0) for number in range(rng.randint(1, 8))}
    states: dict[str, tuple[State, datetime]] = {}
    for step in range(1, 120):
        now = minutes(5 * step)
        share = rng.choice([0.0, 0.5, 0.9, 1.0])
        last = {device: now if rng.random() < share or step > 115 else at for device, at in last.items()}
        for change in judge(pump, [Arrivals(device, at, 300) for device, at in last.items()], states, now):
            assert states.get(change.device_id, (None, now))[0] is not change.state
            states[change.device_id] = (change.state, now)
    assert {state for device, (state, _) in states.items() if device != FLEET} == {State.ONLINE}
    assert states.get(FLEET, (State.WELL, NOON))[0] is State.WELL
