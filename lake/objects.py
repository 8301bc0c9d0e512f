"""Objects of the lake's bucket: put once, list in order, remove."""

import random
import time
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from runtime.errors import RetryLater
from runtime.platforms import Platform

_CONFLICT_TRIES = 10
# The other put may take as long as this one would.
_LONGEST_CONFLICT_PAUSE = 0.4


def put_once(platform: Platform, key: str, body: bytes, pause: Callable[[float], None] = time.sleep) -> bool:
    """Put an object that is named by its content; whether this call made it.

    S3 answers 412 when the object is there already (a retry: that is success) and 409 while another put of the key is
    under way (tried again after a `pause`). Raises RetryLater when it stays so.
    """
    for _ in range(_CONFLICT_TRIES):
        try:
            platform.client("s3").put_object(Bucket=platform.lake_bucket, Key=key, Body=body, IfNoneMatch="*")
            return True
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 412:
                return False
            if status != 409:
                raise
            pause(random.uniform(0, _LONGEST_CONFLICT_PAUSE))
    raise RetryLater(f"put {key}: another put of the same key did not end; try again")


def remove_object(platform: Platform, key: str) -> None:
    """Delete an object; one that is not there is no error."""
    platform.client("s3").delete_object(Bucket=platform.lake_bucket, Key=key)


def list_keys(platform: Platform, prefix: str, start: str = "") -> Iterator[str]:
    """Keys under `prefix` in their order, from `start` (a key or the beginning of one) on."""
    pages = platform.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=platform.lake_bucket, Prefix=prefix, StartAfter=start):
        for entry in page.get("Contents", ()):
            yield entry["Key"]
