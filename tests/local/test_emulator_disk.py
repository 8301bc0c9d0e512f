"""The laptop's cloud on a full disk: it says no, keeps nothing of what it refused, and goes on when there is room.

A limit on the size of the files that the emulator may write stands for the full disk: it takes no rights, and no room.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from ingestion.start_check import check
from ingestion.worker_process import run
from lake.objects import list_keys
from tests.cloud import Cloud, running_cloud
from tests.ingestion.builders import body, contracts_in, pack, reading
from tests.waiting import eventually

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home = tmp_path_factory.mktemp("disk")
    contracts_in(home / "contracts")
    with running_cloud(home, contracts_folder=home / "contracts", visibility_seconds=2, batch_seconds=0.1) as running:
        yield running


@contextmanager
def full_disk(cloud: Cloud) -> Iterator[None]:
    emulator = psutil.Process(cloud.supervisor.pid("emulator"))
    usual = emulator.rlimit(psutil.RLIMIT_FSIZE)
    emulator.rlimit(psutil.RLIMIT_FSIZE, (1, usual[1]))
    try:
        yield
    finally:
        emulator.rlimit(psutil.RLIMIT_FSIZE, usual)


def refused(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]


def file_of(cloud: Cloud, key: str) -> Path:
    return Path(cloud.platform.object_uri(key).removeprefix("file://"))


NO_ROOM = (507, "InsufficientStorage")


def test_an_object_that_does_not_come_to_the_disk_is_refused_and_not_there(cloud: Cloud) -> None:
    s3, place = cloud.platform.client("s3"), {"Bucket": cloud.settings.lake_bucket, "Key": "x/new"}
    with full_disk(cloud):
        assert refused(s3.put_object, **place, Body=b"bytes") == NO_ROOM
        assert refused(s3.head_object, **place)[0] == 404
    assert list(list_keys(cloud.platform, "x/new")) == []
    assert not file_of(cloud, "x/new").exists()
    # The retry is the first put of the key, not one that meets it.
    s3.put_object(**place, Body=b"bytes", IfNoneMatch="*")
    assert s3.get_object(**place)["Body"].read() == b"bytes"


def test_an_object_that_cannot_be_overwritten_stays_as_it_was(cloud: Cloud) -> None:
    s3, place = cloud.platform.client("s3"), {"Bucket": cloud.settings.lake_bucket, "Key": "x/old"}
    s3.put_object(**place, Body=b"as it was")
    with full_disk(cloud):
        assert refused(s3.put_object, **place, Body=b"changed") == NO_ROOM
        answer = s3.get_object(**place)
    assert (answer["Body"].read(), answer["ContentLength"]) == (b"as it was", 9)


def test_a_copy_and_an_upload_of_parts_are_refused_and_may_be_tried_again(cloud: Cloud) -> None:
    s3, bucket = cloud.platform.client("s3"), cloud.settings.lake_bucket
    s3.put_object(Bucket=bucket, Key="x/source", Body=b"source")
    upload = {"Bucket": bucket, "Key": "x/parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]}]}
    copy = {"Bucket": bucket, "Key": "x/copy", "CopySource": f"{bucket}/x/source"}
    with full_disk(cloud):
        assert refused(s3.copy_object, **copy) == NO_ROOM
        assert refused(s3.complete_multipart_upload, **upload, MultipartUpload=parts) == NO_ROOM
    assert {"x/copy", "x/parts"}.isdisjoint(list_keys(cloud.platform, "x/"))
    s3.copy_object(**copy)
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert (s3.get_object(Bucket=bucket, Key="x/copy")["Body"].read(), file_of(cloud, "x/parts").read_bytes()) == (
        b"source",
        b"part",
    )


def test_a_worker_on_a_full_disk_ends_with_a_line_and_loses_nothing(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    sqs = cloud.platform.client("sqs")
    queue = sqs.get_queue_url(QueueName=cloud.settings.telemetry_queue)["QueueUrl"]

    def left() -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(int(count) for count in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"].values())

    check(cloud.platform)
    for count in range(30):
        sqs.send_message(QueueUrl=queue, MessageBody=body(pack(reading(count))))
    with full_disk(cloud):
        assert run(cloud.settings, threading.Event()) == 1
    assert "make room, then start the worker again" in caplog.text
    assert (left(), list(list_keys(cloud.platform, "bronze/"))) == (30, [])
    stopping = threading.Event()
    worker = threading.Thread(target=run, args=(cloud.settings, stopping))
    worker.start()
    try:
        eventually(lambda: left() == 0, 30, "the queue is empty")
    finally:
        stopping.set()
        worker.join()
    keys = list(list_keys(cloud.platform, "bronze/"))
    assert keys
    assert all(file_of(cloud, key).stat().st_size > 0 for key in keys)
