"""An IoT rule from a topic to a queue. Every rule has an error action: what it cannot deliver goes to another queue, bytes and all."""

from aws_cdk import aws_iot as iot
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from fleet.telemetry_rule import SQL_VERSION
from infra.constructs.service_role import ServiceRole


class TopicRule(iot.CfnTopicRule):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        sql: str,
        description: str,
        queue: sqs.IQueue,
        errors: sqs.IQueue,
        role: ServiceRole,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            rule_name=name,
            topic_rule_payload=iot.CfnTopicRule.TopicRulePayloadProperty(
                sql=sql,
                description=description,
                aws_iot_sql_version=SQL_VERSION,
                rule_disabled=False,
                actions=[_to(queue, role)],
                error_action=_to(errors, role),
            ),
        )


def _to(queue: sqs.IQueue, role: ServiceRole) -> iot.CfnTopicRule.ActionProperty:
    action = iot.CfnTopicRule.SqsActionProperty(queue_url=queue.queue_url, role_arn=role.arn, use_base64=False)
    return iot.CfnTopicRule.ActionProperty(sqs=action)
