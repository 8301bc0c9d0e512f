"""What the laptop's cloud holds before the first reading: bucket, queues, IoT rule, device policy, the APIs' tables and users, the topic of alarms.

``python -m local.cloud_resources`` creates what is missing and puts right what differs; again does nothing. On AWS the
infrastructure code creates the same.
"""

import json
from typing import Any

from fleet import shadow_feed
from fleet.queues import KEPT_DEAD, KEPT_WAITING, MAX_RECEIVES
from fleet.telemetry_rule import DESCRIPTION, SQL_VERSION, rule_sql
from fleet.things import device_policy
from local import api_tables, user_pool
from local.entry import run
from local.surroundings import check_platform
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings


def create(platform: Platform) -> None:
    """Raises SettingsError on another platform than the laptop's."""
    settings = platform.settings
    check_platform(settings)
    _bucket(platform.client("s3"), settings)
    sqs, iot = platform.client("sqs"), platform.client("iot")
    telemetry_url, error_url = _queues(sqs, settings)
    _rule(iot, settings.rule_name, _telemetry_rule(settings, telemetry_url, error_url))
    shadow_url = _shadow_queue(sqs, settings)
    for name, sql in shadow_feed.rules(settings).items():
        _rule(iot, name, _rule_payload(settings, sql, shadow_feed.DESCRIPTION, shadow_url))
    _policy(platform.client("iot"), settings.device_policy, device_policy(settings))
    _alarm_topic(platform.client("sns"), settings)
    api_tables.create(platform)
    user_pool.create(platform)


def _alarm_topic(sns: Any, settings: Settings) -> None:
    # One that is there already is given back.
    if settings.alarm_topic:
        sns.create_topic(Name=settings.alarm_topic.rpartition(":")[2])


def _bucket(s3: Any, settings: Settings) -> None:
    if settings.lake_bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=settings.lake_bucket, **location(settings.region))


def location(region: str) -> dict[str, Any]:
    """S3 asks for the region of a bucket, and takes no word of it in us-east-1."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _queues(sqs: Any, settings: Settings) -> tuple[str, str]:
    """URLs of the telemetry queue and of the error queue, which both redrive to the dead-letter queue."""
    taken = _taken(sqs, settings, settings.dead_letter_queue)
    return _queue(sqs, settings.telemetry_queue, taken), _queue(sqs, settings.error_queue, taken)


def _shadow_queue(sqs: Any, settings: Settings) -> str:
    """URL of the queue that feeds the cache of shadows, which has a dead-letter queue of its own: a change is no reading."""
    return _queue(sqs, settings.shadow_queue, _taken(sqs, settings, settings.shadow_dead_letter_queue))


def _taken(sqs: Any, settings: Settings, dead_letter_queue: str) -> dict[str, str]:
    """Attributes of a queue that somebody takes from, which redrives to `dead_letter_queue`."""
    dead_url = _queue(sqs, dead_letter_queue, {"MessageRetentionPeriod": str(KEPT_DEAD)})
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": MAX_RECEIVES})
    waits = {"MessageRetentionPeriod": str(KEPT_WAITING), "VisibilityTimeout": str(settings.visibility_seconds)}
    return waits | {"RedrivePolicy": redrive}


def _queue(sqs: Any, name: str, attributes: dict[str, str]) -> str:
    # Created without attributes: with others than it has, creating an existing queue is an error.
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return url


def _telemetry_rule(settings: Settings, telemetry_url: str, error_url: str) -> dict[str, Any]:
    payload = _rule_payload(settings, rule_sql(settings), DESCRIPTION, telemetry_url)
    return payload | {"errorAction": _to_queue(settings, error_url)}


def _rule_payload(settings: Settings, sql: str, description: str, queue_url: str) -> dict[str, Any]:
    return {
        "sql": sql,
        "description": description,
        "awsIotSqlVersion": SQL_VERSION,
        "ruleDisabled": False,
        "actions": [_to_queue(settings, queue_url)],
    }


def _to_queue(settings: Settings, url: str) -> dict[str, Any]:
    role = f"arn:aws:iam::{settings.account}:role/fleetlake-telemetry-rule"
    return {"sqs": {"roleArn": role, "queueUrl": url, "useBase64": False}}


def _rule(iot: Any, name: str, payload: dict[str, Any]) -> None:
    if name in {rule["ruleName"] for rule in iot.list_topic_rules()["rules"]}:
        iot.replace_topic_rule(ruleName=name, topicRulePayload=payload)
    else:
        iot.create_topic_rule(ruleName=name, topicRulePayload=payload)


def _policy(iot: Any, name: str, document: dict[str, Any]) -> None:
    if name not in {policy["policyName"] for policy in iot.list_policies()["policies"]}:
        iot.create_policy(policyName=name, policyDocument=json.dumps(document))
        return
    if json.loads(iot.get_policy(policyName=name)["policyDocument"]) == document:
        return
    # A policy has at most five versions.
    for version in iot.list_policy_versions(policyName=name)["policyVersions"]:
        if not version["isDefaultVersion"]:
            iot.delete_policy_version(policyName=name, policyVersionId=version["versionId"])
    iot.create_policy_version(policyName=name, policyDocument=json.dumps(document), setAsDefault=True)


def main() -> None:
    create(current_platform(Settings.from_environment()))


if __name__ == "__main__":
    run(main)
