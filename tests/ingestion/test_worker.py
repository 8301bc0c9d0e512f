"""The worker on moto's queue and bucket: what it puts, in which order, and what it does when a part is away."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.contract_folder import ContractFolder
from ingestion.worker import BOUNDARIES, Worker
from lake.identity import event_id, quarantine_id
from runtime.aws import AwsPlatform
from tests.ingestion.bench import Bench, bench, refusal
from tests.ingestion.builders import BOILER, NOON_MS, body, pack, reading


def identities(*counts: int, device: str = "b-1") -> set[str]:
    return {event_id(device, "boiler", NOON_MS + count * 60_000, "b7", count) for count in counts}


def test_a_pack_becomes_a_bronze_object_and_leaves_the_queue(made: Bench) -> None:
    made.send(body(pack(reading(0, starts=3), reading(1, zone="a"))))
    made.work()
    (key,) = made.keys("bronze/")
    assert key.startswith("bronze/boiler/ingest_date=2026-09-21/ingest_hour=17/part-")
    first, second = made.rows("bronze/")
    assert {first["event_id"], second["event_id"]} == identities(0, 1)
    assert first | {"event_id": ""} == {
        "event_id": "", "device_id": "b-1", "event_time": datetime(2026, 9, 21, 16, 1, tzinfo=UTC), "boot": "b7", "seq": 0,
        "received_at": datetime(2026, 9, 21, 17, 1, tzinfo=UTC), "trace_id": "trace-1", "principal": "cert-1", "client_id": "b-1",
        "topic": "dt/fleetlake/b-1/boiler", "water": 61.5, "starts": 3, "burning": None, "mode": None, "note": None, "_extra": None,
    }  # fmt: skip
    assert second["_extra"] == '{"zone":"a"}'
    assert made.left() == 0


def test_effects_come_in_the_order_put_project_delete(made: Bench) -> None:
    passed: list[str] = []
    made.boundary = lambda name: (passed.append(name), made.platform.calls.append(name))[0]  # type: ignore[func-returns-value]
    made.send(body(pack(reading(0), reading(1, water=500))))
    made.platform.calls.clear()
    made.work()
    assert passed == [name for name in BOUNDARIES if name not in ("extended", "given_back")]
    effects = [call for call in made.platform.calls if call.split()[0] in (*BOUNDARIES, "put_object", "delete_message_batch")]
    assert effects == [
        "received", "decoded", "put_object bronze", "put_bronze", "put_object quarantine", "put_quarantine", "wrote_timeseries",
        "delete_message_batch", "deleted",
    ]  # fmt: skip


def test_readings_of_many_messages_share_an_object_for_each_contract(made: Bench, tmp_path: Path) -> None:
    (tmp_path / "contracts" / "kettle.yaml").write_text(BOILER.replace("boiler", "kettle"))
    for count in range(8):
        made.send(body(pack(reading(count)), device_id=f"b-{count}"), body(pack(reading(count)), contract="kettle"))
    made.patient()
    made.work()
    assert [key.split("/")[1] for key in made.keys("bronze/")] == ["boiler", "kettle"]
    assert len(made.rows("bronze/")) == 16
    assert [row["device_id"] for row in made.rows("bronze/boiler/")] == sorted(f"b-{count}" for count in range(8))


def test_what_is_refused_is_put_by_contract_and_reason_with_its_bytes(made: Bench) -> None:
    made.send(body(pack(reading(0, water=500))), body(b"\xff"), body(b"{}", contract="no/such contract"))
    made.work()
    prefixes = {key.rsplit("/", 1)[0] for key in made.keys("quarantine/")}
    assert prefixes == {
        "quarantine/boiler/ingest_date=2026-09-21/reason=out_of_range",
        "quarantine/boiler/ingest_date=2026-09-21/reason=not_utf8",
        "quarantine/_unknown/ingest_date=2026-09-21/reason=unknown_contract",
    }
    rows = {row["reason"]: row for row in made.rows("quarantine/")}
    refused = rows["out_of_range"]
    content = json.dumps(reading(0, water=500)).encode()
    assert (refused["bytes"], refused["index"], refused["boot"], refused["origin"]) == (content, 0, "b7", "decode")
    assert refused["quarantine_id"] == quarantine_id("dt/fleetlake/b-1/boiler", content, 0)
    assert {refused["event_id"]} == identities(0)
    assert (rows["not_utf8"]["bytes"], rows["not_utf8"]["index"]) == (b"\xff", None)
    assert rows["unknown_contract"]["contract"] == "no/such contract"
    assert made.left() == 0


def test_what_no_rule_wrote_is_quarantined_too(made: Bench) -> None:
    made.send("hello", json.dumps({"payload": "%%", "device_id": "b-1", "contract": "boiler", "received_at": 0}))
    made.work()
    assert {row["reason"] for row in made.rows("quarantine/_unknown/")} == {"bad_envelope"}
    assert made.left() == 0


def test_a_message_that_comes_twice_meets_its_own_object(made: Bench) -> None:
    for _ in range(2):
        made.send(body(pack(reading(0), reading(1, water=500))))
        made.work()
    counters = made.worker.counters
    assert (counters.objects, counters.existing, counters.deleted) == (1, 1, 2)
    assert (len(made.keys("bronze/")), len(made.keys("quarantine/"))) == (1, 1)


def test_a_message_that_comes_again_in_another_hour_is_a_duplicate_in_bronze(made: Bench) -> None:
    made.send(body(pack(reading(0))))
    made.work()
    made.clock.advance(hours=1)
    made.send(body(pack(reading(0))))
    made.work()
    first, second = made.keys("bronze/")
    assert ("ingest_hour=17" in first, "ingest_hour=18" in second) == (True, True)
    assert first.rsplit("/", 1)[1] == second.rsplit("/", 1)[1]
    assert {row["event_id"] for row in made.rows("bronze/")} == identities(0)


def test_a_put_that_meets_another_put_is_tried_again(made: Bench) -> None:
    conflicts = [refusal(409, "ConditionalRequestConflict")] * 3

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and conflicts:
            raise conflicts.pop()

    made.platform.fails = fails
    made.send(body(pack(reading(0))))
    made.work()
    assert (conflicts, len(made.keys("bronze/")), made.left()) == ([], 1, 0)


def test_while_s3_is_away_the_batch_stays_in_hand_and_nothing_is_deleted(made: Bench) -> None:
    away = refusal(503, "SlowDown")

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise away

    made.platform.fails = fails
    made.send(body(pack(reading(0))))
    made.worker.step()
    for _ in range(3):
        with pytest.raises(type(away)):
            made.worker.step()
    assert (made.left(), "delete_message_batch" in made.platform.calls) == (1, False)
    made.platform.fails = lambda name, arguments: None
    made.work()
    assert {row["event_id"] for row in made.rows("bronze/")} == identities(0)
    assert (made.left(), made.worker.counters.received) == (0, 1)


def test_a_quarantine_that_cannot_be_put_keeps_the_message_too(made: Bench) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].startswith("quarantine/"):
            raise refusal(500, "InternalError")

    made.platform.fails = fails
    made.send(body(pack(reading(0), reading(1, water=500))))
    made.worker.step()
    with pytest.raises(Exception, match="InternalError"):
        made.worker.step()
    assert made.left() == 1


def test_a_message_that_cannot_be_written_costs_no_other(made: Bench, tmp_path: Path) -> None:
    (tmp_path / "contracts" / "kettle.yaml").write_text(BOILER.replace("boiler", "kettle"))

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].startswith("bronze/kettle/"):
            raise ValueError("no such thing was foreseen")

    made.platform.fails = fails
    made.send(body(pack(reading(0)), contract="kettle"), body(pack(reading(1))), body(pack(reading(2))))
    made.patient()
    made.work()
    assert {row["event_id"] for row in made.rows("bronze/")} == identities(1, 2)
    assert made.left() == 1


def test_what_the_queue_did_not_delete_comes_back_and_changes_nothing(made: Bench) -> None:
    sqs = made.platform.client("sqs")
    refusals = [{"Id": "0", "Code": "ReceiptHandleIsInvalid", "Message": "it has expired", "SenderFault": True}]

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(sqs, name)

        def delete_message_batch(self, **arguments: Any) -> Any:
            return {"Failed": [refusals.pop()]} if refusals else sqs.delete_message_batch(**arguments)

    made.send(body(pack(reading(0))))
    made.worker._queue.sqs = Failing()
    made.worker.step()
    (receipt,) = [message.receipt for message in made.worker._batch.messages]
    made.worker.step()
    assert (made.worker.counters.deleted, made.left()) == (0, 1)
    sqs.change_message_visibility(QueueUrl=made.queue, ReceiptHandle=receipt, VisibilityTimeout=0)
    made.work()
    counters = made.worker.counters
    assert (counters.deleted, counters.redelivered, counters.existing, made.left()) == (1, 1, 1, 0)
    assert len(made.rows("bronze/")) == 1


def test_a_time_series_that_is_away_holds_nothing_up(made: Bench) -> None:
    platform = AwsPlatform(made.platform.settings)  # which has no store yet: each use of it raises
    worker = Worker(platform, ContractFolder(made.folder), made.clock)
    made.send(body(pack(reading(0))))
    worker.step()
    worker.step()
    assert (worker.counters.timeseries_failures, worker.counters.deleted, made.left()) == (1, 1, 0)
    assert len(made.rows("bronze/")) == 1


def test_the_time_series_has_the_newest_values(made: Bench) -> None:
    made.send(body(pack(reading(0, water=20), reading(1, water=30, burning=True, zone="a"))))
    made.work()
    newest = made.platform.time_series().latest("boiler", ["b-1", "b-2"])
    assert {device: point.measures for device, point in newest.items()} == {"b-1": {"water": 30.0, "burning": True}}


def test_an_entry_that_the_queue_could_not_delete_is_asked_again(made: Bench) -> None:
    sqs = made.platform.client("sqs")
    answers: list[dict[str, Any]] = [
        {"Failed": [{"Id": "0", "Code": "InternalError", "Message": "try again", "SenderFault": False}]},
        {"Successful": []},
    ]

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(sqs, name)

        def delete_message_batch(self, **arguments: Any) -> Any:
            return answers.pop(0) if answers else sqs.delete_message_batch(**arguments)

    made.send(body(pack(reading(0))))
    made.worker._queue.sqs = Failing()
    made.work()
    assert (answers, made.worker.counters.deleted, made.left()) == ([], 1, 0)


def test_messages_in_hand_stay_invisible_for_as_long_as_it_takes(made: Bench) -> None:
    made.send(*[body(pack(reading(count))) for count in range(12)])
    made.patient(10_000)
    for _ in range(3):
        made.worker.step()
    assert len(made.worker._hand) == 12
    begun = made.worker._batch.begun
    made.platform.calls.clear()
    keeper = made.worker._keeper
    assert (keeper.extend(begun + 29), made.platform.calls) == (0, [])
    assert keeper.extend(begun + 31) == 12
    assert made.platform.calls == ["change_message_visibility_batch"] * 2
    assert keeper.extend(begun + 59) == 0


def test_a_batch_that_is_full_is_written_before_more_is_received(tmp_path: Path) -> None:
    with bench(tmp_path, batch_readings=4) as made:
        made.patient()
        made.send(*[body(pack(reading(2 * i), reading(2 * i + 1))) for i in range(12)])
        made.work()
        assert sorted(len(made.rows(key)) for key in made.keys("bronze/")) == [4, 20]


def test_what_grew_old_in_hand_while_another_batch_was_written_is_one_object(made: Bench) -> None:
    made.send(*[body(pack(reading(count))) for count in range(30)])
    worker = made.worker
    for _ in range(3):
        assert worker._hand.begin_call(0)
        found = worker._queue.receive(0, 60)
        worker._hand.end_call(found)
        worker._receivers.inbox.put(found)
    for _ in range(3):
        assert made.keys("bronze/") == []
        worker._advance()
    # Here each batch is old as soon as it has begun.
    assert [len(made.rows(key)) for key in made.keys("bronze/")] == [30]


def test_a_stopping_worker_finishes_the_batch_in_hand(made: Bench) -> None:
    made.patient()
    made.send(body(pack(reading(0))))
    made.boundary = lambda name: made.worker.stopping.set() if name == "decoded" else None
    made.worker.run()
    assert (len(made.rows("bronze/")), made.left()) == (1, 0)


def test_a_stopping_worker_leaves_what_it_cannot_write_to_the_queue(made: Bench) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object":
            raise refusal(503, "SlowDown")

    made.platform.fails = fails
    made.send(body(pack(reading(0))))
    made.boundary = lambda name: made.worker.stopping.set() if name == "decoded" else None
    made.worker.run()
    assert made.left() == 1
