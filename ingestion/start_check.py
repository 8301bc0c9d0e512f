"""What a worker needs, tried before it receives anything, and without harm: each receive costs a message one of its tries.

A worker that is started again and again while something is not in order would make dead letters of good messages otherwise.
"""

from botocore.exceptions import ClientError

from ingestion.event_source import refuse_beside_a_function
from ingestion.failures import CannotGoOn, cannot_go_on, refused
from lake.layout import probe_object
from lake.objects import put_once
from runtime.platforms import Platform
from runtime.sqs import Queue


def check(platform: Platform) -> None:
    """The queues and the bucket are there, and may be used. Raises what boto3 raises, or CannotGoOn."""
    settings = platform.settings
    queues = (settings.telemetry_queue, settings.error_queue)
    refuse_beside_a_function(platform, queues)
    for name in queues:
        _try_queue(platform, name)
    try_bucket(platform)


def _try_queue(platform: Platform, name: str) -> None:
    queue = Queue(platform.client("sqs"), name)
    try:
        queue.try_out()
    except ClientError as error:
        # A service may refuse the receipt as a whole; that says nothing of the permission.
        why = refused(error, platform.settings)
        if why:
            raise CannotGoOn(f"queue {name}: its messages could be received and not be deleted or hidden: {why}") from None


def try_bucket(platform: Platform) -> None:
    """Put an empty object, outside of the data, that is there from the second time on. Raises what boto3 raises, or CannotGoOn."""
    try:
        put_once(platform, probe_object(), b"")
    except ClientError as error:
        why = cannot_go_on(error, platform.settings)
        if why:
            raise CannotGoOn(f"bucket {platform.lake_bucket}: it cannot be written ({probe_object()} was tried): {why}") from None
        raise
