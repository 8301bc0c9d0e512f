"""Dead letters on moto: looked at without a trace that matters, and moved back so that a crash loses none."""

from dataclasses import dataclass
from typing import Any

import pytest

from ingestion.dead_letters import Content, content_of
from ingestion.redrive import Redrive
from lake.contracts import load_contracts
from lake.dead_letter_queue import DeadLetterQueue
from runtime.errors import ServiceError, UserError
from runtime.sqs import Message
from tests.ingestion.bench import Bench, refusal
from tests.ingestion.builders import body, pack, reading
from tests.ingestion.test_rule_error import rule_error


@dataclass
class Dead:
    made: Bench

    @property
    def queue(self) -> DeadLetterQueue:
        return DeadLetterQueue(self.made.platform)

    def send(self, *bodies: str) -> list[str]:
        sqs = self.made.platform.client("sqs")
        return [sqs.send_message(QueueUrl=self.queue.url, MessageBody=text)["MessageId"] for text in bodies]

    def says(self, text: str) -> Content:
        letter = Message("m-1", text)
        return content_of(letter, load_contracts(self.made.folder), self.made.platform.settings)

    def visible(self) -> int:
        names = ["ApproximateNumberOfMessages"]
        found = self.made.platform.client("sqs").get_queue_attributes(QueueUrl=self.queue.url, AttributeNames=names)
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def redrive(self, watch: Any = lambda moved, of: None) -> Redrive:
        return Redrive(self.made.platform, self.queue, watch, pause=lambda seconds: None)


@pytest.fixture
def dead(made: Bench) -> Dead:
    made.platform.fails = without_move_tasks
    return Dead(made)


def without_move_tasks(name: str, arguments: dict[str, Any]) -> None:
    """A service that does not know the action, as the laptop's emulator answers."""
    if name.endswith(("message_move_task", "message_move_tasks")):
        raise refusal(400, "InvalidAction", name)


def test_looking_again_and_again_shows_all_and_hides_none(dead: Dead) -> None:
    ids = dead.send(*(body(pack(reading(count))) for count in range(23)))
    for _ in range(3):
        assert sorted(letter.message_id for letter in dead.queue.read(100)) == sorted(ids)
        assert dead.visible() == 23
    assert len(dead.queue.read(5)) == 5
    assert dead.visible() == 23


def test_a_look_that_breaks_off_shows_again_what_it_had(dead: Dead) -> None:
    dead.send(*(body(pack(reading(count))) for count in range(15)))
    receives = iter([None, refusal(503, "ServiceUnavailable", "ReceiveMessage")])

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "receive_message" and (error := next(receives)):
            raise error

    dead.made.platform.fails = fails
    with pytest.raises(ServiceError, match="ServiceUnavailable"):
        dead.queue.read(100)
    assert dead.visible() == 15


def test_an_interrupted_look_hides_none_and_no_look_hides_for_long(dead: Dead) -> None:
    dead.send(*(body(pack(reading(count))) for count in range(25)))
    hidden_for: list[int] = []

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "receive_message":
            hidden_for.append(arguments["VisibilityTimeout"])
            if len(hidden_for) == 3:
                raise KeyboardInterrupt

    dead.made.platform.fails = fails
    with pytest.raises(KeyboardInterrupt):
        dead.queue.read(100)
    assert (dead.visible(), set(hidden_for)) == (25, {30})


def test_a_letter_that_comes_again_during_a_look_is_given_back_too(dead: Dead) -> None:
    ids = dead.send(*(body(pack(reading(count))) for count in range(4)))
    queue = dead.queue
    look = queue.look(100)
    first = next(look)
    queue.show_again(first[:2])
    assert next(look) == []
    # Given back by receipts of the second receive: those of the first are spent.
    queue.show_again(first)
    assert (sorted(letter.message_id for letter in first), dead.visible()) == (sorted(ids), 4)


def test_a_queue_whose_own_policy_would_move_its_messages_on_is_not_looked_at(dead: Dead) -> None:
    sqs, url = dead.made.platform.client("sqs"), dead.queue.url
    arn = sqs.get_queue_attributes(QueueUrl=dead.made.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 3}}'})
    with pytest.raises(UserError, match="redrive policy of its own"):
        DeadLetterQueue(dead.made.platform)


def test_a_queue_that_is_not_there_is_told_in_a_sentence(dead: Dead) -> None:
    dead.made.platform.client("sqs").delete_queue(QueueUrl=dead.queue.url)
    with pytest.raises(ServiceError, match=r"dead-letter queue fleetlake-telemetry-dead \(FLEETLAKE_DEAD_LETTER_QUEUE\): .*fleetlake up"):
        DeadLetterQueue(dead.made.platform)


def test_what_a_letter_says_is_what_decode_makes_of_it_now(dead: Dead) -> None:
    good = dead.says(body(pack(reading(0), reading(1), reading(2, water=500))))
    assert (good.device_id, good.contract, good.topic, good.readings) == ("b-1", "boiler", "dt/fleetlake/b-1/boiler", 3)
    assert good.says == "takes 2, refuses 1 as out_of_range"
    assert dead.says("hello").says == "refuses it as bad_envelope: the message is not JSON"
    assert "nothing says when" in dead.says(rule_error(pack(reading(0)))).says


def test_a_letter_that_breaks_decode_says_how(dead: Dead) -> None:
    class Breaking(dict[str, Any]):
        def __contains__(self, name: object) -> bool:
            raise RuntimeError("no such thing was foreseen")

    letter = Message("m-1", body(b"{}"), receives=5)
    content = content_of(letter, Breaking(), dead.made.platform.settings)
    assert (content.says, content.device_id, content.readings) == ("breaks: RuntimeError: no such thing was foreseen", "b-1", None)


def test_all_letters_go_back_and_what_fails_again_meanwhile_does_not_go_round(dead: Dead) -> None:
    bodies = [body(pack(reading(count))) for count in range(12)]
    dead.send(*bodies)
    moves: list[tuple[int, int]] = []

    def watch(moved: int, of: int) -> None:
        # Each one comes back here at once.
        dead.send(bodies[moved - 1])
        moves.append((moved, of))

    assert dead.redrive(watch).all() == 12
    assert (dead.made.left(), dead.visible()) == (12, 12)
    assert moves == [(count, 12) for count in range(1, 13)]


def test_only_the_letters_that_are_named_go_back(dead: Dead) -> None:
    ids = dead.send(*(body(pack(reading(count))) for count in range(14)))
    assert dead.redrive().some({ids[3], ids[12]}) == 2
    assert (dead.made.left(), dead.visible()) == (2, 12)
    with pytest.raises(UserError, match=rf"redrive: {ids[3]}: not in dead-letter queue .*1 others were moved"):
        dead.redrive().some({ids[3], ids[4]})
    assert (dead.made.left(), dead.visible()) == (3, 11)


@pytest.mark.parametrize("call", ["send_message", "delete_message_batch"])
def test_a_redrive_that_breaks_off_leaves_each_letter_in_a_queue_and_is_run_again(dead: Dead, call: str) -> None:
    bodies = [body(pack(reading(count))) for count in range(4)]
    dead.send(*bodies)
    calls = [0]

    def fails(name: str, arguments: dict[str, Any]) -> None:
        without_move_tasks(name, arguments)
        calls[0] += name == call
        if name == call and calls[0] == 3:
            raise KeyboardInterrupt

    dead.made.platform.fails = fails
    with pytest.raises(KeyboardInterrupt):
        dead.redrive().all()
    assert dead.made.left() == (2 if call == "send_message" else 3)
    # None is hidden either.
    assert dead.visible() == 2
    dead.made.platform.fails = without_move_tasks
    assert dead.redrive().all() == 2
    sqs = dead.made.platform.client("sqs")
    found = [
        entry["Body"]
        for _ in range(3)
        for entry in sqs.receive_message(QueueUrl=dead.made.queue, MaxNumberOfMessages=10).get("Messages", [])
    ]
    assert (set(found), dead.visible()) == (set(bodies), 0)


def test_another_error_of_the_service_is_a_sentence(dead: Dead) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "list_message_move_tasks":
            raise refusal(403, "AccessDenied", "ListMessageMoveTasks")

    dead.made.platform.fails = fails
    with pytest.raises(ServiceError, match="AccessDenied"):
        dead.redrive().all()
