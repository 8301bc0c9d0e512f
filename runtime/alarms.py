"""Alarms: what a person should hear of, published to the platform's SNS topic.

    raise_alarm(platform, Alarm("device_silent", "pump-7 is silent", "pump-7 has sent nothing for 3 h; …"))

A subscriber by e-mail gets words, any other one JSON object: ``kind``, ``subject``, ``sentence``, ``link`` and the facts. The
attribute ``kind`` is what a subscription may filter by.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.errors import ServiceError
from runtime.log import logger
from runtime.platforms import Platform, current_platform

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: a subject is less than 100 ASCII characters in one line.
_SUBJECT = 99
_SENTENCE = 4000


@dataclass(frozen=True)
class Alarm:
    kind: str
    subject: str
    sentence: str
    link: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        return dict(self.facts) | {"kind": self.kind, "subject": self.subject, "sentence": self.sentence[:_SENTENCE], "link": self.link}

    @property
    def text(self) -> str:
        facts = [f"{name}: {value}" for name, value in self.facts.items()]
        return "\n".join([self.sentence[:_SENTENCE], "", *facts, *([self.link] if self.link else [])])


def raise_alarm(platform: Platform, alarm: Alarm) -> None:
    """Raises ServiceError where the topic does not take it. Where the settings name no topic, nobody is told."""
    from botocore.exceptions import BotoCoreError, ClientError

    if not platform.settings.alarm_topic:
        return
    message = {"default": json.dumps(alarm.document, default=str), "email": alarm.text}
    try:
        platform.client("sns").publish(
            TopicArn=platform.alarm_topic_arn(),
            Subject=_one_line(alarm.subject),
            Message=json.dumps(message),
            MessageStructure="json",
            MessageAttributes={"kind": {"DataType": "String", "StringValue": alarm.kind}},
        )
    except (ClientError, BotoCoreError) as error:
        raise ServiceError(f"alarm {alarm.subject!r} to the topic {platform.settings.alarm_topic}: {error}") from None


def tell(platform: Platform, alarm: Alarm) -> None:
    """`raise_alarm`, of what stands elsewhere too: nothing fails because nobody could be told."""
    try:
        raise_alarm(platform, alarm)
    except Exception as error:  # noqa: BLE001 - the edge: what could not be told is where it happened all the same
        logger("alarms").warning(f"nobody was told that {alarm.subject}: {error}")


def task_failed(context: Any) -> None:
    """Airflow's ``on_failure_callback``: tell that a task has failed and is not tried again. Nothing fails because this does."""
    try:
        raise_alarm(current_platform(), _of_task(context))
    except Exception as error:  # noqa: BLE001 - the edge: a failure that cannot be told is in Airflow all the same
        logger("alarms").warning(f"nobody was told of the failed task: {error}")


def _of_task(context: Any) -> Alarm:
    ti = context["ti"]
    facts = {"dag": ti.dag_id, "task": ti.task_id, "run": ti.run_id, "try": ti.try_number}
    # Where the task's process was killed there is no exception of its own.
    why = str(context.get("exception") or "it ended without a word; its worker may have been killed")
    return Alarm("task_failed", f"{ti.dag_id}.{ti.task_id} failed", why, str(getattr(ti, "log_url", None) or ""), facts)


def _one_line(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode().split())[:_SUBJECT]
