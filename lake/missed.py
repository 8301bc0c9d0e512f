"""Notes of bronze objects that the time-series store missed: an empty object a bronze object, in the lake's bucket.

In S3, so that any worker, a Lambda or a person can catch up what another one missed, and so that a note outlives its writer.
"""

from collections.abc import Iterator

from lake.layout import missed_note, missed_object, missed_prefix
from lake.objects import list_keys
from runtime.platforms import Platform


def note_missed(platform: Platform, key: str) -> None:
    """Note that the store missed the bronze object `key`. Noting it again changes nothing."""
    platform.client("s3").put_object(Bucket=platform.lake_bucket, Key=missed_note(key), Body=b"")


def missed(platform: Platform, contract: str = "") -> Iterator[str]:
    """Keys of the bronze objects that are noted, oldest partition of each contract first."""
    for note in list_keys(platform, missed_prefix(contract)):
        key = missed_object(note)
        if key:
            yield key


def forget_missed(platform: Platform, key: str) -> None:
    """The store has the object now, or it is gone."""
    platform.client("s3").delete_object(Bucket=platform.lake_bucket, Key=missed_note(key))
