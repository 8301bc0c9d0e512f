"""The Lambda function that ingests: an SQS event of the telemetry or the error queue to bronze, quarantine and time series.

It deletes nothing. Its answer names the messages that are not in the lake, and Lambda leaves exactly those in the queue, so
the event source mapping must have ``FunctionResponseTypes=["ReportBatchItemFailures"]``: without it they would be deleted, so
the function fails then, and the whole batch comes again.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from ingestion.aside import within
from ingestion.contract_folder import ContractFolder
from ingestion.event_source import refuse_to_lose
from ingestion.intake import Intake
from runtime import log as logging
from runtime.errors import UsageError
from runtime.platforms import current_platform
from runtime.settings import Settings
from runtime.sqs import Message


class Context(Protocol):
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass
class Function:
    """What one environment of Lambda keeps between events; `heeded` are the queues whose mappings are known to be right."""

    intake: Intake
    heeded: set[str] = field(default_factory=set)

    def handle(self, event: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """AWS's partial batch response: the ids of the messages that failed, and none besides.

        Raises SettingsError where some failed and the mapping would not heed the answer, and TimeIsOver where nobody says in time
        whether it would; then the whole batch comes again.
        """
        records = _records(event)

        def seconds_left() -> float:
            return context.get_remaining_time_in_millis() / 1000

        failed = self.intake.take([Message.of_record(record) for record in records], seconds_left)
        if failed:
            queue_arn, function_arn = str(records[0].get("eventSourceARN", "")), context.invoked_function_arn
            within(seconds_left() / 2, lambda: self._check_mapping(queue_arn, function_arn), "event source mapping")
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _check_mapping(self, queue_arn: str, function_arn: str) -> None:
        # Once: while S3 is away a thousand environments fail again and again, and Lambda's control plane takes few calls.
        if queue_arn not in self.heeded:
            refuse_to_lose(self.intake.platform, queue_arn, function_arn)
            self.heeded.add(queue_arn)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """What Lambda calls. Raises FleetlakeError where the function is set up wrongly; then the whole batch comes again."""
    return _function().handle(event, context)


@cache
def _function() -> Function:
    settings = Settings.from_environment()
    logging.configure(settings.log_level)
    return Function(Intake(current_platform(settings), ContractFolder(settings.contracts_folder)))


def _records(event: Any) -> list[Mapping[str, Any]]:
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not all(_is_of_sqs(record) for record in records):
        raise UsageError("lambda event: it is no batch of SQS messages; give the function an event source mapping of a queue")
    return records


def _is_of_sqs(record: Any) -> bool:
    return isinstance(record, Mapping) and record.get("eventSource") == "aws:sqs" and {"messageId", "body"} <= record.keys()
