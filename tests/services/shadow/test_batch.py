"""Many shadows in one request."""

import json
import threading

from services.problems import Conflict, NotFound, Throttled
from services.shadow.batch import Item, Outcome, run


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
    assert statuses == [200] * 21 + [429] * 9
