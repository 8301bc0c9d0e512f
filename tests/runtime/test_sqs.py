"""A batch call's answer is read entry by entry, and what may succeed later is asked again."""

from typing import Any

import pytest

from runtime import sqs
from runtime.sqs import Message, Queue


class Answers:
    """A client whose batch calls answer as they are told; `asked` are the receipts of each call."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers, self.asked = list(answers), list[list[str]]()

    def get_queue_url(self, **_: Any) -> dict[str, str]:
        return {"QueueUrl": "http://queue/q"}

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self.asked.append([entry["ReceiptHandle"] for entry in Entries])
        return self.answers.pop(0)

    change_message_visibility_batch = delete_message_batch


def refused(entry: int, *, final: bool = False) -> dict[str, Any]:
    return {"Id": str(entry), "Code": "InternalError", "Message": "try again", "SenderFault": final}


def done(*entries: int) -> list[dict[str, str]]:
    return [{"Id": str(entry)} for entry in entries]


MESSAGES = [Message(f"m-{number}", "{}", f"r-{number}") for number in range(12)]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqs, "_LONGEST_DELETE_PAUSE", 0.0)


def test_only_what_was_refused_is_deleted_again() -> None:
    client = Answers({"Successful": done(0, 2), "Failed": [refused(1)]}, {"Successful": done(0)})
    assert Queue(client, "q").delete(MESSAGES[:3]) == []
    assert client.asked == [["r-0", "r-1", "r-2"], ["r-1"]]


def test_what_would_fail_again_is_not_asked_again_and_is_told() -> None:
    client = Answers({"Successful": done(1), "Failed": [refused(0, final=True)]})
    (failure,) = Queue(client, "q").delete(MESSAGES[:2])
    assert (failure.message, failure.is_final, str(failure)) == (MESSAGES[0], True, "message m-0: InternalError: try again")


def test_a_final_refusal_is_still_told_after_others_were_asked_again() -> None:
    client = Answers({"Failed": [refused(0, final=True), refused(1)]}, {"Successful": done(0)})
    assert [failure.message for failure in Queue(client, "q").delete(MESSAGES[:2])] == [MESSAGES[0]]


def test_after_three_tries_what_is_still_there_is_told() -> None:
    client = Answers(*({"Failed": [refused(0)]} for _ in range(3)))
    assert [failure.message for failure in Queue(client, "q").delete(MESSAGES[:1])] == MESSAGES[:1]
    assert len(client.asked) == 3


def test_an_entry_that_the_answer_does_not_name_counts_as_not_done() -> None:
    (failure,) = Queue(Answers({"Successful": done(0)}), "q").hide(MESSAGES[:2], 0)
    assert (failure.message, failure.code) == (MESSAGES[1], "NoAnswer")


def test_more_than_ten_go_in_calls_of_ten() -> None:
    client = Answers({"Successful": done(*range(10))}, {"Successful": done(0, 1)})
    assert Queue(client, "q").delete(MESSAGES) == []
    assert [len(receipts) for receipts in client.asked] == [10, 2]
