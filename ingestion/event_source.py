"""Event source mappings: which Lambda function takes from a queue, and whether it may answer for single messages.

Either the Lambda function or the worker takes from a queue, never both. Two would lose nothing, as SQS hands a message to one
of them; but each would write the half of every batch as an object of its own, and a function that is scaled by the queue's
length takes the messages that the worker was started for.
"""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from runtime.errors import SettingsError, UserError
from runtime.log import logger
from runtime.platforms import Platform
from runtime.sqs import queue_arn

# A mapping that takes messages, or is about to.
_TAKES = {"Creating", "Enabling", "Enabled", "Updating"}
_PARTIAL = "ReportBatchItemFailures"
log = logger("event_source")


def refuse_beside_a_function(platform: Platform, queues: Iterable[str]) -> None:
    """Raises UserError where an event source mapping takes from one of the queues of these names."""
    for queue in queues:
        for mapping in _mappings(platform, f"queue {queue}", EventSourceArn=queue_arn(platform.client("sqs"), queue)):
            if mapping.get("State") in _TAKES:
                function = str(mapping.get("FunctionArn", "")).rpartition(":function:")[2] or "a function"
                raise UserError(
                    f"worker on queue {queue}: the Lambda function {function} takes from it (event source mapping {mapping['UUID']}, "
                    f"{mapping['State']}); disable that mapping first, so that one of the two has the queue"
                )


def refuse_to_lose(platform: Platform, queue_arn: str, function_arn: str) -> None:
    """Raises SettingsError where the mapping deletes the whole batch whatever the function answers; then it must fail instead."""
    for mapping in _mappings(platform, f"queue {queue_arn}", EventSourceArn=queue_arn, FunctionName=function_arn):
        if _PARTIAL not in mapping.get("FunctionResponseTypes", ()):
            raise SettingsError(
                f"lambda function on {queue_arn}: its event source mapping {mapping['UUID']} lacks FunctionResponseTypes={_PARTIAL}, so the "
                "messages that failed would be deleted; set it. The whole batch comes again instead"
            )


def _mappings(platform: Platform, what: str, **asked: str) -> list[dict[str, Any]]:
    try:
        pages = platform.client("lambda").get_paginator("list_event_source_mappings").paginate(**asked)
        return [mapping for page in pages for mapping in page["EventSourceMappings"]]
    except (ClientError, BotoCoreError) as error:
        # Whoever may not ask still works, and only cannot tell.
        log.warning(f"{what}: its event source mappings cannot be read, so nobody checks them: {error}")
        return []
