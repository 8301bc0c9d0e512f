"""`fleetlake dead-letter` as a person or a script sees it, on the emulator's queues."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cli.main import run
from lake import dead_letter_queue
from tests.cloud import Cloud, running_cloud
from tests.ingestion.builders import body, pack

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("dead")) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The same cloud for each test, with empty queues."""
    monkeypatch.setenv("FLEETLAKE_HOME", str(running.settings.home))
    for name in (running.settings.dead_letter_queue, running.settings.telemetry_queue):
        running.platform.client("sqs").purge_queue(QueueUrl=url(running, name))
    return running


def url(cloud: Cloud, queue: str) -> str:
    return str(cloud.platform.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def bury(cloud: Cloud, *bodies: str) -> list[str]:
    sqs, queue = cloud.platform.client("sqs"), url(cloud, cloud.settings.dead_letter_queue)
    return [sqs.send_message(QueueUrl=queue, MessageBody=text)["MessageId"] for text in bodies]


def waiting(cloud: Cloud, queue: str) -> int:
    """Messages that anybody would receive now."""
    names = ["ApproximateNumberOfMessages"]
    found = cloud.platform.client("sqs").get_queue_attributes(QueueUrl=url(cloud, queue), AttributeNames=names)
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(["dead-letter", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


LETTERS = (body(pack({"ts": 1}), "p-1", "pump"), body(b"\xff\xfe", "p-[2]", "pump"), "hello")


def test_the_list_tells_what_lies_there_and_takes_nothing_away(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    ids = bury(cloud, *LETTERS)
    for _ in range(7):
        listed = told(capsys, "list")
    assert (listed["messages"], sorted(letter["message_id"] for letter in listed["letters"])) == (3, sorted(ids))
    by_id = {letter["message_id"]: letter for letter in listed["letters"]}
    pump = by_id[ids[0]]
    assert (pump["device_id"], pump["contract"], pump["topic"], pump["readings"]) == ("p-1", "pump", "dt/fleetlake/p-1/pump", 1)
    assert pump["says"] == "refuses 1 as bad_time"
    assert (pump["receives"], 0 <= pump["age_seconds"] < 60) == (7, True)
    assert "bad_envelope" in by_id[ids[2]]["says"]
    assert waiting(cloud, cloud.settings.dead_letter_queue) == 3


def test_a_person_sees_age_device_and_what_decode_says(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    (first, *_) = bury(cloud, *LETTERS)
    assert run(["dead-letter", "list"]) == 0
    shown = capsys.readouterr().out
    for words in (first[:8], "p-1", "p-[2]", "pump", "not_utf8", "3 messages in fleetlake-telemetry-dead"):
        assert words in shown


def test_what_waits_is_kept_shorter_than_a_dead_letter_whose_age_counts_from_its_first_sending(cloud: Cloud) -> None:
    names = [cloud.settings.telemetry_queue, cloud.settings.error_queue, cloud.settings.dead_letter_queue]
    sqs, asked = cloud.platform.client("sqs"), ["MessageRetentionPeriod"]
    found = [
        sqs.get_queue_attributes(QueueUrl=url(cloud, name), AttributeNames=asked)["Attributes"]["MessageRetentionPeriod"] for name in names
    ]
    assert found == ["345600", "345600", "1209600"]


def test_an_empty_queue_is_told_so(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "list") == {"queue": "fleetlake-telemetry-dead", "messages": 0, "hidden": 0, "letters": []}
    assert run(["dead-letter", "list"]) == 0
    assert "nothing is in fleetlake-telemetry-dead" in capsys.readouterr().out


def test_messages_that_somebody_looks_at_are_there_and_a_redrive_that_moves_none_fails(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The emulator is one server: a receive that finds nothing need not be repeated, and each takes a second.
    monkeypatch.setattr(dead_letter_queue, "_MISSES", 1)
    bury(cloud, *LETTERS)
    sqs, queue = cloud.platform.client("sqs"), url(cloud, cloud.settings.dead_letter_queue)
    # As a list leaves them that is killed.
    held = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=30)["Messages"]
    assert told(capsys, "list") == {"queue": "fleetlake-telemetry-dead", "messages": 3, "hidden": 3, "letters": []}
    assert run(["dead-letter", "list"]) == 0
    assert "3 messages, all being looked at; visible again within 30 s" in capsys.readouterr().out
    assert run(["dead-letter", "redrive", "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"queue": "fleetlake-telemetry-dead", "moved": 0, "left": 3}
    assert "nothing was moved: 3 messages, all being looked at; visible again within 30 s" in shown.err
    assert run(["dead-letter", "show", held[0]["MessageId"]]) == 1
    assert "no such message among the 0 that could be looked at; 3 others are there" in capsys.readouterr().err
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=held[0]["ReceiptHandle"], VisibilityTimeout=0)
    assert (told(capsys, "list")["hidden"], told(capsys, "redrive")["moved"]) == (2, 1)


def test_receives_that_find_nothing_do_not_end_a_look(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = bury(cloud, *LETTERS)
    queue = dead_letter_queue.DeadLetterQueue(cloud.platform)
    # As SQS answers where none of the servers that it asked has a message.
    nothing: list[dict[str, Any]] = [{}, {}]
    receive = queue.sqs.receive_message
    monkeypatch.setattr(queue.sqs, "receive_message", lambda **asked: nothing.pop() if nothing else receive(**asked))
    assert sorted(letter.message_id for letter in queue.read(10)) == sorted(ids)
    assert nothing == []


def test_show_prints_one_message_whole(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    ids = bury(cloud, *LETTERS)
    whole = told(capsys, "show", ids[0])
    assert (whole["body"], whole["payload"], whole["envelope"]["device_id"]) == (LETTERS[0], pack({"ts": 1}).decode(), "p-1")
    binary = told(capsys, "show", ids[1])
    assert (binary["payload"], binary["payload_base64"]) == (None, "//4=")
    assert run(["dead-letter", "show", ids[0][:13]]) == 0
    assert '"readings": [{"ts": 1}]' in capsys.readouterr().out
    assert waiting(cloud, cloud.settings.dead_letter_queue) == 3


def test_what_is_not_there_is_told_in_a_sentence(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    bury(cloud, *LETTERS)
    assert run(["dead-letter", "show", "nothing-begins-so"]) == 1
    assert "dead letter nothing-begins-so: there is no such message" in capsys.readouterr().err
    assert run(["dead-letter", "show", ""]) == 1
    assert run(["dead-letter", "redrive", "nothing-begins-so"]) == 1
    assert (waiting(cloud, cloud.settings.dead_letter_queue), waiting(cloud, cloud.settings.telemetry_queue)) == (3, 0)


def test_redrive_moves_one_then_all_back_and_again_nothing(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    ids = bury(cloud, *LETTERS)
    assert told(capsys, "redrive", ids[1][:10]) == {"queue": "fleetlake-telemetry-dead", "moved": 1, "left": 2}
    assert waiting(cloud, cloud.settings.telemetry_queue) == 1
    assert run(["dead-letter", "redrive", ids[0]]) == 0
    assert capsys.readouterr().out == "1 message moved back, 1 left in fleetlake-telemetry-dead\n"
    assert told(capsys, "redrive") == {"queue": "fleetlake-telemetry-dead", "moved": 1, "left": 0}
    assert told(capsys, "redrive") == {"queue": "fleetlake-telemetry-dead", "moved": 0, "left": 0}
    sqs = cloud.platform.client("sqs")
    back = sqs.receive_message(QueueUrl=url(cloud, cloud.settings.telemetry_queue), MaxNumberOfMessages=10)["Messages"]
    assert sorted(entry["Body"] for entry in back) == sorted(LETTERS)


def test_a_cloud_that_does_not_run_is_told_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path_factory.mktemp("nothing")))
    assert run(["dead-letter", "list"]) == 1
    assert "is not running; start it with `fleetlake up`" in capsys.readouterr().err
