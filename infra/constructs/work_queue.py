"""A queue that somebody takes from, and the dead-letter queue it gives up to."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from fleet.queues import KEPT_DEAD, KEPT_WAITING, MAX_RECEIVES
from infra.names import Names


class DeadLetterQueue(sqs.Queue):
    def __init__(self, scope: Construct, construct_id: str, key: kms.IKey, queue_name: str) -> None:
        super().__init__(
            scope,
            construct_id,
            queue_name=queue_name,
            retention_period=cdk.Duration.seconds(KEPT_DEAD),
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
        )


class WorkQueue(sqs.Queue):
    """Its visibility is six times the timeout of the function that takes from it, as AWS asks."""

    def __init__(
        self, scope: Construct, construct_id: str, names: Names, key: kms.IKey, queue_name: str, dead_letters: DeadLetterQueue
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            queue_name=queue_name,
            retention_period=cdk.Duration.seconds(KEPT_WAITING),
            visibility_timeout=cdk.Duration.seconds(names.visibility_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=MAX_RECEIVES),
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
        )
