"""Alarms: what subscribers are told, and that nothing fails because nobody could be."""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from runtime.alarms import Alarm, raise_alarm, task_failed
from runtime.aws import AwsPlatform
from runtime.errors import ServiceError
from runtime.settings import Settings

FAILED = {
    "exception": RuntimeError("silver: run r.1 is held by the quality gate"),
    "ti": SimpleNamespace(
        dag_id="pipeline_pump", task_id="silver", run_id="r", try_number=3, log_url="https://airflow.acme/dags/pipeline_pump"
    ),
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Of the topic's subscribers: what a queue that takes only failures of tasks has got."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("FLEETLAKE_PLATFORM", "aws")
    with mock_aws():
        sns, sqs = boto3.client("sns", region_name="us-east-1"), boto3.client("sqs", region_name="us-east-1")
        topic = sns.create_topic(Name="fleetlake-alarms")["TopicArn"]
        url = sqs.create_queue(QueueName="people")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        only = json.dumps({"kind": ["task_failed"]})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": only})
        yield lambda: [json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


def platform(**settings: Any) -> AwsPlatform:
    return AwsPlatform(Settings(platform="aws", **settings))


def test_a_failed_task_is_told_with_its_dag_task_run_reason_and_link(told: Any) -> None:
    task_failed(FAILED)
    (message,) = told()
    assert message["Subject"] == "pipeline_pump.silver failed"
    assert json.loads(message["Message"]) == {
        "kind": "task_failed",
        "subject": "pipeline_pump.silver failed",
        "sentence": "silver: run r.1 is held by the quality gate",
        "link": "https://airflow.acme/dags/pipeline_pump",
        "dag": "pipeline_pump",
        "task": "silver",
        "run": "r",
        "try": 3,
    }


def test_a_subscription_may_filter_by_kind(told: Any) -> None:
    raise_alarm(platform(), Alarm("device_silent", "pump-7 is silent", "pump-7 has sent nothing for 3 h"))
    raise_alarm(platform(), Alarm("task_failed", "another", "it failed"))
    assert [message["Subject"] for message in told()] == ["another"]


def test_a_person_reads_words() -> None:
    text = Alarm("device_silent", "pump-7", "pump-7 has sent nothing for 3 h.", "https://x", {"contract": "pump"}).text
    assert text == "pump-7 has sent nothing for 3 h.\n\ncontract: pump\nhttps://x"


@pytest.mark.parametrize(("subject", "sent"), [("p-7\nis\tsilent", "p-7 is silent"), ("Ofen kühl", "Ofen k?hl"), ("x" * 300, "x" * 99)])
def test_any_subject_is_one_that_sns_takes(told: Any, subject: str, sent: str) -> None:
    raise_alarm(platform(), Alarm("task_failed", subject, "it failed"))
    assert told()[0]["Subject"] == sent


def test_a_task_whose_process_was_killed_has_no_words_of_its_own(told: Any) -> None:
    task_failed(FAILED | {"exception": None})
    assert json.loads(told()[0]["Message"])["sentence"] == "it ended without a word; its worker may have been killed"


def test_without_a_topic_nobody_is_told(told: Any) -> None:
    raise_alarm(platform(alarm_topic=""), Alarm("task_failed", "s", "t"))
    assert told() == []


def test_a_topic_that_is_not_there_is_an_error_that_names_it(told: Any) -> None:
    with pytest.raises(ServiceError, match=r"alarm 's' to the topic night: .*NotFound"):
        raise_alarm(platform(alarm_topic="night"), Alarm("task_failed", "s", "t"))


@pytest.mark.parametrize(
    "wrong", [{"FLEETLAKE_ALARM_TOPIC": "night"}, {"FLEETLAKE_ALARM_TOPIC": "no topic"}, {"FLEETLAKE_PLATFORM": "moon"}]
)
def test_nothing_fails_because_nobody_could_be_told(
    told: Any, wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING, "fleetlake.alarms"):
        task_failed(FAILED)
    assert "nobody was told of the failed task" in caplog.text
    task_failed({})
