"""IotPocStack: from a device's message to the lake. Rules, queues, what ingests, the time series, what devices may do."""

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from fleet import telemetry_rule
from infra.base_stack import BaseStack
from infra.constructs.container_service import ContainerService
from infra.constructs.device_fleet import DeviceFleet
from infra.constructs.function import Function
from infra.constructs.service_role import ServiceRole
from infra.constructs.time_series import TimeSeriesStore
from infra.constructs.topic_rule import TopicRule
from infra.constructs.work_queue import DeadLetterQueue, WorkQueue
from infra.names import Names
from infra.packages import INGEST, worker_image
from infra.stacks.foundation import FoundationStack
from infra.stacks.lake import LakeStack

# Beyond what the worker takes to finish, until ECS kills it.
_STOP_SECONDS = 15
# Messages that wait, and how many tasks more that asks for. Fewer is for the CPU to say: workers that keep up have an empty queue.
_STEPS = [
    scaling.ScalingInterval(lower=10_000, change=1),
    scaling.ScalingInterval(lower=100_000, change=4),
]
# Messages that Lambda hands over at once: a larger object for each call.
_BATCH_MESSAGES = 1_000


class IotPocStack(BaseStack):
    def __init__(self, scope: Construct, construct_id: str, names: Names, foundation: FoundationStack, lake: LakeStack) -> None:
        super().__init__(scope, construct_id, names, "device messages to the lake and the time series")
        self.add_stack_dependency(lake)
        settings = self.settings
        dead = DeadLetterQueue(self, "DeadLetters", foundation.key, settings.dead_letter_queue)
        telemetry = WorkQueue(self, "Telemetry", names, foundation.key, settings.telemetry_queue, dead)
        errors = WorkQueue(self, "Errors", names, foundation.key, settings.error_queue, dead)
        self.rule_role = ServiceRole(self, "RuleRole", names, "telemetry-rule")
        TopicRule(
            self,
            "TelemetryRule",
            name=settings.rule_name,
            sql=telemetry_rule.rule_sql(settings),
            description=telemetry_rule.DESCRIPTION,
            queue=telemetry,
            errors=errors,
            role=self.rule_role,
        )
        self.time_series = TimeSeriesStore(self, "TimeSeries", foundation)
        mappings = self._function(foundation, (telemetry, errors))
        if not self._by_function:
            # It does not start beside a function that takes from its queues.
            self._worker(foundation, telemetry).service.node.add_dependency(*mappings)
        DeviceFleet(self, "Devices", names, foundation.key)
        self.tell(
            telemetry_queue=settings.telemetry_queue,
            error_queue=settings.error_queue,
            dead_letter_queue=settings.dead_letter_queue,
            rule_name=settings.rule_name,
            device_policy=settings.device_policy,
            time_series_store=settings.time_series_store,
            visibility_seconds=str(settings.visibility_seconds),
            timestream_database=settings.timestream_database,
            **self.time_series.settings,
        )

    @property
    def _by_function(self) -> bool:
        return self.names.configuration.ingestion == "lambda"

    def _function(self, foundation: FoundationStack, queues: tuple[sqs.IQueue, ...]) -> list[lambda_.CfnEventSourceMapping]:
        """Its mappings. Where the worker ingests they are disabled, and the function costs nothing: a change of the one for the other is an update."""
        profile = self.profile
        ingest = Function(
            self,
            "Ingest",
            foundation=foundation,
            name="ingest",
            package=INGEST,
            handler="ingestion.lambda_handler.handler",
            what="Messages of devices to bronze, quarantine and the time series",
            settings=self.time_series.settings,
            timeout_seconds=self.names.ingest_timeout_seconds,
            memory=1024,
            concurrency=profile.ingest_concurrency,
        )
        self.time_series.admit("Ingest", ingest.group)
        return [
            lambda_.CfnEventSourceMapping(
                self,
                f"{name}Mapping",
                function_name=ingest.function.function_arn,
                event_source_arn=queue.queue_arn,
                enabled=self._by_function,
                batch_size=_BATCH_MESSAGES,
                maximum_batching_window_in_seconds=self.names.ingest_window_seconds,
                # The answer names what is not in the lake: without this Lambda would delete it.
                function_response_types=["ReportBatchItemFailures"],
                # Both together below what the function has, or SQS's pollers would be throttled and messages used up.
                # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
                scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=profile.ingest_concurrency // 2),
            )
            for name, queue in zip(("Telemetry", "Errors"), queues, strict=True)
        ]

    def _worker(self, foundation: FoundationStack, telemetry: sqs.IQueue) -> ContainerService:
        worker = ContainerService(
            self,
            "Worker",
            foundation=foundation,
            name="worker",
            image=worker_image(),
            what="The worker: out by TLS, in from nowhere",
            settings=self.time_series.settings,
            cpu=self.profile.worker_cpu,
            memory=self.profile.worker_memory,
            tasks=self.profile.worker_tasks,
            # It finishes what it has in hand, and gives the rest back.
            stop_seconds=int(self.settings.drain_seconds) + _STOP_SECONDS,
            check=("python", "-m", "runtime.heartbeat", "worker"),
        )
        self.time_series.admit("Worker", worker.group)
        # CPU says how busy the tasks are, the queue what they do not get to: where S3 is slow the one is low and the other long.
        worker.scaling.scale_on_metric(
            "Waiting",
            metric=telemetry.metric_approximate_number_of_messages_visible(period=cdk.Duration.minutes(1), statistic="Maximum"),
            scaling_steps=_STEPS,
            adjustment_type=scaling.AdjustmentType.CHANGE_IN_CAPACITY,
            cooldown=cdk.Duration.minutes(3),
        )
        return worker
