"""Either the Lambda function or the worker takes from a queue, never both: the worker asks before it begins.

Two would lose nothing, as SQS hands a message to one of them; but each would write the half of every batch as an object of
its own, and a function that is scaled by the queue's length takes the messages that the worker was started for.
"""

from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from runtime.errors import UserError
from runtime.log import logger
from runtime.platforms import Platform

# A mapping that takes messages, or is about to.
_TAKES = {"Creating", "Enabling", "Enabled", "Updating"}
log = logger("worker")


def refuse_beside_a_function(platform: Platform, queues: Iterable[str]) -> None:
    """Raises UserError where an event source mapping takes from one of the queues of these names."""
    for queue in queues:
        for mapping in _mappings(platform, queue):
            if mapping.get("State") in _TAKES:
                function = str(mapping.get("FunctionArn", "")).rpartition(":function:")[2] or "a function"
                raise UserError(
                    f"worker on queue {queue}: the Lambda function {function} takes from it (event source mapping {mapping['UUID']}, "
                    f"{mapping['State']}); disable that mapping first, so that one of the two has the queue"
                )


def _mappings(platform: Platform, queue: str) -> list[dict[str, str]]:
    sqs = platform.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    try:
        pages = platform.client("lambda").get_paginator("list_event_source_mappings").paginate(EventSourceArn=arn)
        return [mapping for page in pages for mapping in page["EventSourceMappings"]]
    except (ClientError, BotoCoreError) as error:
        # A worker that may not ask still works; it only cannot say so.
        log.warning(f"queue {queue}: nobody can tell whether a Lambda function takes from it too: {error}")
        return []
