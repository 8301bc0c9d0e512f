"""DeviceShadowStack: the cache and history of shadows, what feeds them, and the function of the shadow APIs."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from fleet import shadow_feed
from fleet.tables import SHADOW_HISTORY, SHADOWS
from infra.base_stack import BaseStack
from infra.constructs.api_tables import ApiTables
from infra.constructs.backups import backed_up
from infra.constructs.function import Function
from infra.constructs.function_api import FunctionApi
from infra.constructs.service_role import ServiceRole
from infra.constructs.topic_rule import TopicRule
from infra.constructs.work_queue import DeadLetterQueue, WorkQueue
from infra.names import Names
from infra.packages import API
from infra.stacks.auth import AuthStack
from infra.stacks.foundation import FoundationStack
from infra.stacks.iot_poc import IotPocStack


class DeviceShadowStack(BaseStack):
    def __init__(
        self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack, auth: AuthStack, iot_poc: IotPocStack
    ) -> None:
        super().__init__(scope, construct_id, names, "shadows: their cache, history and APIs")
        self._foundation = foundation
        tables = ApiTables(self, "Tables", names, foundation.key, (SHADOWS, SHADOW_HISTORY), self.removal)
        backed_up(self, names, tables.backup_resources)
        self._feed()
        self._fleet_shadow(iot_poc)
        self._api(auth, iot_poc)
        self.tell(shadow_queue=self.settings.shadow_queue, shadow_dead_letter_queue=self.settings.shadow_dead_letter_queue)

    def _feed(self) -> None:
        settings, key = self.settings, self._foundation.key
        dead = DeadLetterQueue(self, "DeadLetters", key, settings.shadow_dead_letter_queue)
        queue = WorkQueue(self, "Changes", self.names, key, settings.shadow_queue, dead)
        role = ServiceRole(self, "RuleRole", self.names, "shadow-rule")
        for name, sql in shadow_feed.rules(settings).items():
            construct_id = "".join(part.capitalize() for part in name.removeprefix(f"{settings.rule_name}_").split("_"))
            TopicRule(self, construct_id, name=name, sql=sql, description=shadow_feed.DESCRIPTION, queue=queue, errors=dead, role=role)
        function = Function(
            self,
            "Feed",
            foundation=self._foundation,
            name="shadow-feed",
            package=API,
            handler="services.shadow.feed.handler",
            what="Changes of shadows to their cache and history",
            settings={},
            timeout_seconds=30,
            memory=512,
            concurrency=20,
        )
        lambda_.CfnEventSourceMapping(
            self,
            "ChangesMapping",
            function_name=function.function.function_arn,
            event_source_arn=queue.queue_arn,
            batch_size=10,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=10),
        )

    def _fleet_shadow(self, iot_poc: IotPocStack) -> None:
        function = Function(
            self,
            "FleetShadow",
            foundation=self._foundation,
            name="fleet-shadow",
            package=API,
            handler="services.shadow.fleet_shadow.handler",
            what="Writes each device's named shadow fleet",
            settings=iot_poc.time_series.settings,
            timeout_seconds=290,
            memory=1024,
            # One at a time: two would write the same shadows.
            concurrency=1,
        )
        iot_poc.time_series.admit("FleetShadow", function.group)
        # Lambda itself would try an event twice more, hours later; the next event comes in five minutes.
        lambda_.CfnEventInvokeConfig(
            self,
            "FleetShadowTries",
            function_name=function.function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=0,
            maximum_event_age_in_seconds=300,
        )
        scheduler.CfnSchedule(
            self,
            "EveryFiveMinutes",
            name=self.names.of("fleet-shadow"),
            description="The platform's report of each device",
            schedule_expression="rate(5 minutes)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function.function_arn,
                role_arn=ServiceRole(self, "ScheduleRole", self.names, "schedule").arn,
                # The next one comes in five minutes and does what this one did not.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_retry_attempts=0),
            ),
        )

    def _api(self, auth: AuthStack, iot_poc: IotPocStack) -> None:
        function = Function(
            self,
            "Api",
            foundation=self._foundation,
            name="shadow-api",
            package=API,
            handler="services.lambda_handler.handler",
            what="Shadows of devices",
            # A batch by when devices were last seen asks the time series.
            settings={**auth.users, **iot_poc.time_series.settings, "api_parts": "shadow"},
            timeout_seconds=29,
            memory=1024,
            concurrency=100,
        )
        iot_poc.time_series.admit("ShadowApi", function.group)
        FunctionApi(self, "Gateway", foundation=self._foundation, function=function, name="shadow", users=auth.pool)
