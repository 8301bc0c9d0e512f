"""Many shadows in one request."""

import json
import threading

import pytest
from pydantic import ValidationError

from services.problems import Conflict, NotFound, Throttled
from services.shadow.batch import Item, Outcome, run
from services.shadow.batch_endpoints import item_of
from services.shadow.bodies import Batch


def _update(device_id: str, number: int) -> Item:
    return Item(device_id, "update", document={"state": {"desired": {"n": number}}})


def test_each_item_has_its_own_outcome_in_the_items_order() -> None:
    def do(item: Item) -> bytes:
        if item.device_id == "gone":
            raise NotFound("device gone: there is none that you may see")
        if item.device_id == "changed":
            raise Conflict("Version conflict")
        return json.dumps({"version": 1}).encode()

    assert run([_update("a", 1), _update("gone", 2), _update("changed", 3), _update("b", 4)], do) == [
        Outcome(200, {"version": 1}),
        Outcome(404, None, "ResourceNotFoundException", "device gone: there is none that you may see"),
        Outcome(409, None, "ConflictException", "Version conflict"),
        Outcome(200, {"version": 1}),
    ]


def test_what_nobody_foresaw_is_that_items_500_and_tells_nothing_of_itself() -> None:
    def do(item: Item) -> bytes:
        if item.device_id == "bad":
            raise ZeroDivisionError("secret words")
        return b"{}"

    good, bad = run([_update("good", 1), _update("bad", 1)], do)
    assert (good.status, bad.status, bad.code) == (200, 500, "InternalFailureException")
    assert "secret" not in bad.detail


def test_the_items_of_a_device_keep_their_order_while_devices_go_beside_each_other() -> None:
    seen: dict[str, list[int]] = {"a": [], "b": []}
    both = threading.Barrier(2, timeout=10)

    def do(item: Item) -> bytes:
        assert item.document is not None
        number = item.document["state"]["desired"]["n"]
        if number == 0:
            # Passes only where both devices are at work at once.
            both.wait()
        seen[item.device_id].append(number)
        return b"{}"

    items = [_update(device_id, number) for number in range(20) for device_id in ("a", "b")]
    assert all(outcome.status == 200 for outcome in run(items, do))
    assert seen == {"a": list(range(20)), "b": list(range(20))}


def test_an_item_that_comes_too_early_waits_and_keeps_its_place_until_the_batch_has_lasted_too_long() -> None:
    """A shadow that takes one item a second, and a clock that only pauses move."""
    now, last, seen = 0.0, -1.0, []

    def do(item: Item) -> bytes:
        nonlocal last
        if now < last + 1.0:
            raise Throttled("more than 1 calls a second for this device; wait a second")
        last = now
        assert item.document is not None
        seen.append(item.document["state"]["desired"]["n"])
        return b"{}"

    def pause(seconds: float) -> None:
        nonlocal now
        now = round(now + seconds, 1)

    statuses = [outcome.status for outcome in run([_update("a", number) for number in range(30)], do, pause, lambda: now)]
    # One at the beginning, and one at the end of each of 20 seconds.
    assert seen == list(range(21))
    # The last took all the time that there was, waiting.
    assert statuses == [200] * 21 + [408] * 9


def test_what_is_not_begun_in_time_is_left_and_says_so() -> None:
    """A shadow that takes seven seconds for an item."""
    now = 0.0

    def do(item: Item) -> bytes:
        nonlocal now
        now += 7.0
        return b"{}"

    outcomes = run([_update("a", number) for number in range(5)], do, monotonic=lambda: now)
    assert [outcome.status for outcome in outcomes] == [200] * 3 + [408] * 2
    assert (outcomes[4].code, "send it again" in outcomes[4].detail) == ("RequestTimeoutException", True)


def test_a_malformed_item_is_its_own_400_and_nothing_is_done_about_it() -> None:
    wanted = Batch.model_validate(
        {
            "items": [
                {"device_id": "a"},
                {"device_id": "../b"},
                {"device_id": "c", "action": "update"},
                {"device_id": 7},
                "d",
                {"device_id": "e", "action": "get", "document": {}},
                {"device_id": "f" * 300},
            ]
        }
    )
    done: list[str] = []

    def do(item: Item) -> bytes:
        done.append(item.device_id)
        return b"{}"

    items = [item_of(each) for each in wanted.items or []]
    outcomes = run(items, do)
    assert [outcome.status for outcome in outcomes] == [200] + [400] * 6
    assert {outcome.code for outcome in outcomes[1:]} == {"ValidationException"}
    assert "an update has a document" in outcomes[2].detail
    assert "device_id: String should match" in outcomes[1].detail
    assert [item.device_id for item in items] == ["a", "../b", "c", "", "", "e", "f" * 128]
    assert done == ["a"]


def test_too_many_items_none_and_no_list_are_no_batch() -> None:
    for items in ([], [{"device_id": "a"}] * 1_001, [None] * 10_000, "x", {"device_id": "a"}):
        with pytest.raises(ValidationError):
            Batch.model_validate({"items": items})
