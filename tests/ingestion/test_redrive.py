"""A redrive by SQS's own message move tasks, whose list lags and names a handle only while a task runs."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ingestion.redrive import Redrive
from lake.dead_letter_queue import DeadLetterQueue
from runtime.errors import ServiceError
from tests.ingestion.bench import Bench


class Tasks:
    """SQS's move tasks behind botocore's own model: what is asked and answered has the form of the real service."""

    def __init__(self, made: Bench) -> None:
        queue = DeadLetterQueue(made.platform)
        self.arn = queue.arn
        self.client = boto3.client("sqs", region_name="us-east-1")
        self.stub = Stubber(self.client)
        queue.sqs = self.client
        self.watched: list[tuple[int, int]] = []
        self.work = Redrive(made.platform, queue, lambda moved, of: self.watched.append((moved, of)), pause=lambda seconds: None)
        self.stub.activate()

    def listed(self, *results: dict[str, Any]) -> None:
        self.stub.add_response("list_message_move_tasks", {"Results": list(results)}, {"SourceArn": self.arn, "MaxResults": 10})

    def started(self) -> None:
        self.stub.add_response("start_message_move_task", {"TaskHandle": "task-1"}, {"SourceArn": self.arn})


@pytest.fixture
def tasks(made: Bench) -> Tasks:
    return Tasks(made)


def task(status: str, moved: int, started: int = 1000, handle: str = "task-1", **more: Any) -> dict[str, Any]:
    """As SQS lists one: with a handle only while it runs."""
    counts = {"ApproximateNumberOfMessagesMoved": moved, "ApproximateNumberOfMessagesToMove": 9, "StartedTimestamp": started}
    return {"Status": status} | ({"TaskHandle": handle} if status == "RUNNING" else {}) | counts | more


def test_where_the_service_moves_messages_itself_it_is_asked_to_and_followed(tasks: Tasks) -> None:
    tasks.listed()
    tasks.started()
    tasks.listed(task("RUNNING", 4))
    tasks.listed(task("COMPLETED", 9))
    assert tasks.work.all() == 9
    assert tasks.watched == [(4, 9), (9, 9)]
    tasks.stub.assert_no_pending_responses()


def test_a_move_that_runs_already_is_followed_and_not_begun_again(tasks: Tasks) -> None:
    tasks.listed(task("RUNNING", 1))
    tasks.listed(task("COMPLETED", 9))
    assert tasks.work.all() == 9


def test_a_move_that_failed_says_why(tasks: Tasks) -> None:
    tasks.listed(task("COMPLETED", 3, 500))
    tasks.started()
    tasks.listed(task("FAILED", 2, FailureReason="CouldNotDetermineMessageSource"))
    with pytest.raises(ServiceError, match="SQS moved 2 messages, then ended: CouldNotDetermineMessageSource; run it again"):
        tasks.work.all()


def test_an_interrupted_move_is_cancelled(tasks: Tasks) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    tasks.work.pause = interrupt
    tasks.listed()
    tasks.started()
    tasks.listed(task("RUNNING", 4))
    tasks.stub.add_response("cancel_message_move_task", {"ApproximateNumberOfMessagesMoved": 4}, {"TaskHandle": "task-1"})
    with pytest.raises(KeyboardInterrupt):
        tasks.work.all()
    tasks.stub.assert_no_pending_responses()


def test_a_list_that_lags_is_asked_again_and_an_older_move_is_not_taken_for_this_one(tasks: Tasks) -> None:
    older = task("COMPLETED", 3, 500)
    tasks.listed(older)
    tasks.started()
    for listed in ([older], [], [task("RUNNING", 4), older]):
        tasks.listed(*listed)
    # Somebody began another one when this one had ended.
    tasks.listed(task("RUNNING", 1, 2000, "task-2"), task("COMPLETED", 9), older)
    assert tasks.work.all() == 9
    assert tasks.watched == [(4, 9), (9, 9)]


def test_a_move_that_ended_before_it_was_listed_is_known_by_its_start(tasks: Tasks) -> None:
    tasks.listed(task("FAILED", 3, 500))
    tasks.started()
    tasks.listed(task("RUNNING", 1, 2000, "task-2"), task("COMPLETED", 7), task("FAILED", 3, 500))
    assert tasks.work.all() == 7


def test_a_move_that_is_never_listed_is_told(tasks: Tasks) -> None:
    tasks.listed()
    tasks.started()
    for _ in range(60):
        tasks.listed()
    with pytest.raises(ServiceError, match="does not list the move that was begun"):
        tasks.work.all()


def test_a_move_of_somebody_else_is_followed_and_not_cancelled(tasks: Tasks) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    tasks.work.pause = interrupt
    tasks.listed(task("RUNNING", 1))
    tasks.listed(task("RUNNING", 2))
    # A call to cancel would be one that the stub does not expect.
    with pytest.raises(KeyboardInterrupt):
        tasks.work.all()
