"""Roles of the way from a device's message to the lake."""

from collections.abc import Mapping

from infra.permissions.grant import Grant, RolePermissions
from infra.permissions.resources import Resources, no_resource, prefixed
from lake.layout import bronze_root, missed_prefix, probe_object, quarantine_root, replayed_root

# An event source mapping is found by its queue; a role may be held to functions, and the worker asks for those that it does not know.
_MAPPINGS = Grant(("lambda:ListEventSourceMappings",), ("*",), why=no_resource("awslambda"))


def roles(of: Resources) -> Mapping[str, RolePermissions]:
    return {"ingest": _ingest(of), "worker": _worker(of)}


def _ingest(of: Resources) -> RolePermissions:
    settings = of.names.settings
    return RolePermissions(
        "The function that ingests: queues to bronze, quarantine and the time series",
        ("lambda.amazonaws.com",),
        (
            *of.queue_of_function(settings.telemetry_queue, settings.error_queue),
            *_to_the_lake(of),
            _MAPPINGS,
            *of.function("ingest"),
        ),
    )


def _worker(of: Resources) -> RolePermissions:
    settings = of.names.settings
    queues = tuple(of.names.queue_arn(queue) for queue in (settings.telemetry_queue, settings.error_queue))
    return RolePermissions(
        "The worker that ingests in the function's place",
        ("ecs-tasks.amazonaws.com",),
        (
            Grant(prefixed("GetQueueUrl GetQueueAttributes ReceiveMessage DeleteMessage ChangeMessageVisibility", "sqs"), queues),
            of.key("sqs", "Decrypt"),
            *_to_the_lake(of),
            Grant(("s3:PutObject",), (f"{of.names.bucket_arn('lake')}/{probe_object()}",)),
            _MAPPINGS,
        ),
    )


def _to_the_lake(of: Resources) -> tuple[Grant, ...]:
    """Puts, and the time series, with what it has to catch up."""
    return (
        Grant(("s3:PutObject",), of.objects("lake", bronze_root(), quarantine_root(), replayed_root(), missed_prefix())),
        # Notes of what the time series missed: found, read with the object that they are about, deleted.
        Grant(("s3:GetObject",), of.objects("lake", bronze_root())),
        Grant(("s3:DeleteObject",), of.objects("lake", missed_prefix())),
        # Of the whole bucket: else S3 says of an object that is gone that it is forbidden.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        Grant(("s3:ListBucket",), (of.names.bucket_arn("lake"),)),
        of.key("s3", "Decrypt", "GenerateDataKey"),
        *of.time_series(writes=True),
    )
