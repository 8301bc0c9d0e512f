"""A worker on moto's SQS and S3, with every AWS call recorded and failing where a test says so."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ingestion.contract_folder import ContractFolder
from ingestion.worker import Worker
from lake.objects import list_keys
from runtime.aws import AwsPlatform
from runtime.clock import FixedClock
from runtime.settings import Settings
from runtime.timeseries import TimeSeries
from runtime.timeseries_sqlite import SqliteTimeSeries
from tests.ingestion.builders import contracts_in

PUT_AT = datetime(2026, 9, 21, 17, 30, tzinfo=UTC)


def refusal(status: int, code: str, operation: str = "PutObject") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)


class Recorded:
    """A client whose calls are noted; `fails` may raise for a call before it is made."""

    def __init__(self, client: Any, calls: list[str], fails: Callable[[str, dict[str, Any]], None]) -> None:
        self._client, self._calls, self._fails = client, calls, fails

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name in ("get_paginator", "meta"):
            return method

        def call(**arguments: Any) -> Any:
            self._calls.append(f"{name} {arguments['Key'].split('/')[0]}" if "Key" in arguments else name)
            self._fails(name, arguments)
            return method(**arguments)

        return call


class MotoPlatform(AwsPlatform):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.calls: list[str] = []
        self.fails: Callable[[str, dict[str, Any]], None] = lambda name, arguments: None

    def _make_client(self, service: str) -> Any:
        return Recorded(super()._make_client(service), self.calls, lambda name, arguments: self.fails(name, arguments))

    @cached_property
    def _time_series(self) -> TimeSeries:
        return SqliteTimeSeries(self.settings.home / "timeseries.db")


@dataclass
class Bench:
    platform: MotoPlatform
    folder: Path
    queue: str
    clock: FixedClock = field(default_factory=lambda: FixedClock(PUT_AT))
    boundary: Callable[[str], None] = lambda name: None

    @cached_property
    def worker(self) -> Worker:
        return Worker(self.platform, ContractFolder(self.folder), self.clock, self.boundary)

    def send(self, *bodies: str) -> None:
        for text in bodies:
            self.platform.client("sqs").send_message(QueueUrl=self.queue, MessageBody=text)

    def work(self) -> None:
        """Until nothing waits and nothing is in hand."""
        self.worker.step()
        while not self.worker.is_idle:
            self.worker.step()

    def patient(self, seconds: float = 30.0) -> None:
        """From the next batch on, a batch is not written for its age."""
        self.platform.settings = replace(self.platform.settings, batch_seconds=seconds)

    def left(self) -> int:
        """Messages that the queue has, seen or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.platform.client("sqs").get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def keys(self, prefix: str) -> list[str]:
        return list(list_keys(self.platform, prefix))

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        s3 = self.platform.client("s3")
        bodies = [s3.get_object(Bucket=self.platform.lake_bucket, Key=key)["Body"].read() for key in self.keys(prefix)]
        return [row for content in bodies for row in parquet(content).to_pylist()]


def parquet(content: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(content))


@contextmanager
def bench(home: Path, **settings: Any) -> Iterator[Bench]:
    """An empty bucket and a telemetry queue that redrives after five receives, on moto."""
    contracts_in(home / "contracts")
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        chosen = replace(Settings(), home=home, contracts_folder=home / "contracts", batch_seconds=0.0, **settings)
        platform = MotoPlatform(chosen)
        platform.client("s3").create_bucket(Bucket=chosen.lake_bucket)
        sqs = platform.client("sqs")
        dead = sqs.create_queue(QueueName=chosen.dead_letter_queue)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        queue = sqs.create_queue(QueueName=chosen.telemetry_queue, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
        platform.calls.clear()
        yield Bench(platform, home / "contracts", queue)
