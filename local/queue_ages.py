"""What AWS tells CloudWatch of each queue and the emulator does not: how old the oldest message is that was not deleted.

It runs in the emulator's process and reaches into ministack's private names (`emulator_hardening.PIN` says which version's).
The age counts from the sending, in the dead-letter queue too, where AWS counts from the move.
"""

import time
from typing import Any

from runtime.sqs import AGE_METRIC, AGE_NAMESPACE


def record() -> None:
    """Put the age of each queue's oldest message; the newest figure alone is kept, so that nothing grows."""
    from ministack.services import cloudwatch, sqs

    now = time.time()
    for queue in list(sqs._queues.values()):
        dimensions = {"QueueName": queue["name"]}
        _bucket(cloudwatch, dimensions).clear()
        if ages := [now - message["sent_at"] for message in queue["messages"] if "sent_at" in message]:
            cloudwatch.record_metric(AGE_NAMESPACE, AGE_METRIC, max(0.0, *ages), "Seconds", dimensions)


def _bucket(cloudwatch: Any, dimensions: dict[str, str]) -> list[Any]:
    found: list[Any] = cloudwatch._metric_bucket((AGE_NAMESPACE, AGE_METRIC, cloudwatch._dims_key(dimensions)))
    return found
