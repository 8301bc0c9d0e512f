"""An object that the emulator cannot keep on the disk is refused: S3 never says yes to what it may lose.

ministack swallows the error of a full disk, keeps the object in memory alone and answers 200; whoever put it deletes what it
made the object of, and with the emulator's end both are gone. Here the answer is 507, and nothing of the object is left.
The emulator's S3 does one request at a time, on its loop, so what a request found can be put back.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runtime.log import logger

_log = logger("emulator")


@dataclass
class NotKept(Exception):
    bucket: str
    key: str
    why: str


def refuse_what_is_not_kept(s3: Any) -> None:
    """Put, copy, a completed upload of parts, a changed tag: whatever writes an object's file."""
    plain_dispatch: Callable[..., tuple[Any, ...]] = s3._dispatch

    def persist(bucket: str, key: str, record: dict[str, Any]) -> None:
        try:
            _write(s3, bucket, key, record)
        except OSError as error:
            raise NotKept(bucket, key, str(error)) from error

    def dispatch(method: str, bucket: str, key: str, headers: Any, body: bytes, query: dict[str, Any]) -> tuple[Any, ...]:
        found = _Found.of(s3, bucket, key, query)
        try:
            return plain_dispatch(method, bucket, key, headers, body, query)
        except NotKept as error:
            found.put_back(s3, error)
            _log.error(f"{method} {error.bucket}/{error.key}: {error.why}; it is refused")
            answer: tuple[Any, ...] = s3._error("InsufficientStorage", error.why, 507, f"/{error.bucket}/{error.key}")
            return answer

    s3._persist_object = persist
    s3._dispatch = dispatch


def _write(s3: Any, bucket: str, key: str, record: dict[str, Any]) -> None:
    """As ministack does, but whole or not at all: the sidecar is on the disk before the object's file takes its place."""
    file = s3._object_disk_path(bucket, key)
    if file is None:
        raise OSError(f"{key} has no place on the disk")
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    sidecar = file + ".meta.json"
    # Files that end so are no objects to it.
    draft = sidecar + ".draft.tmp"
    meta = {**s3._object_meta_from_record(record), **s3._key_history_meta(bucket, key), "key": key}
    s3._atomic_write(draft, json.dumps(meta), text=True)
    try:
        # Of a record without its body only the sidecar is new.
        if record.get("body") is not None:
            s3._atomic_write(file, record["body"])
    except OSError:
        os.remove(draft)
        raise
    os.replace(draft, sidecar)
    record["body"] = None
    s3._remove_key_files(s3._other_key_disk_path(os.path.join(s3.DATA_DIR, s3.get_account_id(), bucket), key, file))


@dataclass(frozen=True)
class _Found:
    """What a request found: the object, its versions, and the upload that it completes."""

    record: dict[str, Any] | None
    versions: list[dict[str, Any]] | None
    upload_id: str
    upload: dict[str, Any] | None

    @classmethod
    def of(cls, s3: Any, bucket: str, key: str, query: dict[str, Any]) -> "_Found":
        versions = s3._object_versions.get((bucket, key))
        upload_id = s3._qp(query, "uploadId")
        return cls(
            record=s3._buckets.get(bucket, {}).get("objects", {}).get(key),
            versions=None if versions is None else [dict(version) for version in versions],
            upload_id=upload_id,
            upload=s3._multipart_uploads.get(upload_id),
        )

    def put_back(self, s3: Any, refused: NotKept) -> None:
        _set(s3._buckets[refused.bucket]["objects"], refused.key, self.record)
        _set(s3._object_versions, (refused.bucket, refused.key), self.versions)
        _set(s3._multipart_uploads, self.upload_id, self.upload)


def _set(store: Any, name: Any, value: Any) -> None:
    if value is None:
        store.pop(name, None)
    else:
        store[name] = value
