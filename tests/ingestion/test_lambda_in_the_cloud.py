"""The function as the emulator runs it: started from its zip, fed from the queue by an event source mapping.

The zip holds our own code; the libraries are those of the emulator's Python, as a layer would bring them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.packaging.archives import make_zip
from infra.packaging.functions import INGEST
from ingestion.event_source import refuse_beside_a_function
from lake.law import Place, verify
from lake.objects import list_keys
from local.simulator.fleet import simulate
from local.simulator.plan import Plan
from runtime.errors import UserError
from tests.cloud import Cloud, running_cloud
from tests.ingestion.builders import NOON_MS, body, pack
from tests.waiting import eventually

pytestmark = pytest.mark.cloud
HANDLER = "ingestion.lambda_handler.handler"
END = datetime(2026, 3, 1, tzinfo=UTC)
# As long as the function may take at least, which AWS asks for; on a busy machine a cold start takes seconds.
VISIBILITY = 60
# Once the function is warm, so that a test need not wait so long for a message to come back.
SHORT = 6
# A fault put into the real function: of messages that hold the word, the decoder breaks.
BREAKING = """
import os

from ingestion import intake
from ingestion.lambda_handler import handler as real

# The zip's own code, and no checkout's that the emulator's Python may know.
assert os.path.dirname(intake.__file__) == os.path.join(os.path.dirname(os.path.abspath(__file__)), "ingestion")
plain = intake.decode_message_into

def decode_message_into(rows, body, *rest):
    if "cG9pc29u" in body:
        raise RuntimeError("no such thing was foreseen")
    return plain(rows, body, *rest)

intake.decode_message_into = decode_message_into

def handler(event, context):
    answer = real(event, context)
    print(len(event["Records"]), answer)
    return answer
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("lambda"), visibility_seconds=VISIBILITY) as running:
        yield running


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("code")
    INGEST.add_code(folder / "lambda")
    (folder / "lambda" / "breaking.py").write_text(BREAKING)
    make_zip(folder / "lambda", folder / "lambda.zip")
    return (folder / "lambda.zip").read_bytes()


@contextmanager
def function(cloud: Cloud, code: bytes, name: str, handler: str) -> Iterator[None]:
    """A function as it would be on AWS, warm; gone when the block ends."""
    lambdas, settings = cloud.platform.client("lambda"), cloud.settings
    variables = {
        "FLEETLAKE_PLATFORM": "aws",
        "FLEETLAKE_AWS_ENDPOINT": cloud.supervisor.endpoints["aws_endpoint"],
        # The emulator's own settings, which its children would inherit, are a laptop's.
        "FLEETLAKE_CONTRACTS_FOLDER": "",
        "FLEETLAKE_HOME": "",
    }
    lambdas.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{settings.account}:role/fleetlake-ingest",
        Handler=handler,
        Code={"ZipFile": code},
        Timeout=30,
        MemorySize=512,
        Environment={"Variables": variables},
    )
    try:
        answer = lambdas.invoke(FunctionName=name, Payload=json.dumps({"Records": []}))
        assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
        yield
    finally:
        lambdas.delete_function(FunctionName=name)


@contextmanager
def fed(cloud: Cloud, name: str, queue: str) -> Iterator[None]:
    """The function takes from the queue until the block ends."""
    lambdas, settings = cloud.platform.client("lambda"), cloud.settings
    mapping = lambdas.create_event_source_mapping(
        EventSourceArn=f"arn:aws:sqs:{settings.region}:{settings.account}:{queue}",
        FunctionName=name,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        # Without it the emulator keeps five processes.
        ScalingConfig={"MaximumConcurrency": 2},
    )
    try:
        yield
    finally:
        lambdas.delete_event_source_mapping(UUID=mapping["UUID"])


def waiting(cloud: Cloud, queue: str) -> int:
    sqs = cloud.platform.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return sum(int(value) for value in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())


def send(cloud: Cloud, queue: str, *bodies: str) -> None:
    sqs = cloud.platform.client("sqs")
    for text in bodies:
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=text)


def pump(count: int) -> dict[str, Any]:
    currents = dict.fromkeys(("current_l1_amperes", "current_l2_amperes", "current_l3_amperes"), 3.5)
    rest = {"vibration_mm_s": 1.0, "pressure_bar": 2.0, "temperature_celsius": 20.0, "is_running": True, "mode": "auto"}
    return {"ts": NOON_MS + count * 1000, "seq": count} | currents | rest


def seqs(cloud: Cloud, device: str) -> list[int]:
    files = [cloud.platform.object_uri(key).removeprefix("file://") for key in list_keys(cloud.platform, "bronze/pump/")]
    return sorted(row["seq"] for file in files for row in pq.read_table(Path(file)).to_pylist() if row["device_id"] == device)


def test_readings_travel_from_a_device_through_the_function_to_bronze(cloud: Cloud, code: bytes) -> None:
    queue = cloud.settings.telemetry_queue
    with function(cloud, code, "fleetlake-ingest", HANDLER), fed(cloud, "fleetlake-ingest", queue):
        plan = Plan({"pump": 2}, END - timedelta(hours=4), END, seed=7, faults={"out_of_range": 0.05}, pack=5)
        sent = simulate(cloud.platform, plan)
        verdict = verify(cloud.platform, [sent.truth_file], wait_seconds=60)
        verdict.check()
        assert verdict.place(Place.WAITING) + verdict.place(Place.QUARANTINED) == verdict.sent > 50
        assert verdict.place(Place.QUARANTINED) >= 1
        assert waiting(cloud, queue) == 0
        with pytest.raises(UserError, match="the Lambda function fleetlake-ingest takes from it"):
            refuse_beside_a_function(cloud.platform, [queue])
    refuse_beside_a_function(cloud.platform, [queue])


def test_of_a_batch_only_what_failed_comes_back_and_ends_in_the_dead_letter_queue(cloud: Cloud, code: bytes) -> None:
    queue, dead = cloud.settings.telemetry_queue, cloud.settings.dead_letter_queue
    sqs = cloud.platform.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"])
    twice = {"RedrivePolicy": json.dumps(policy | {"maxReceiveCount": 2})}
    with function(cloud, code, "fleetlake-breaking", "breaking.handler"):
        send(cloud, queue, *(body(b"poison" if count == 3 else pack(pump(count)), "p-1", "pump") for count in range(8)))
        with fed(cloud, "fleetlake-breaking", queue):
            sqs.set_queue_attributes(QueueUrl=url, Attributes=twice | {"VisibilityTimeout": str(SHORT)})
            eventually(lambda: seqs(cloud, "p-1") == [0, 1, 2, 4, 5, 6, 7], 60, "the others are in bronze")
            eventually(lambda: (waiting(cloud, queue), waiting(cloud, dead)) == (0, 1), 90, "the poison is in the dead-letter queue")
    (found,) = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName=dead)["QueueUrl"], AttributeNames=["ApproximateReceiveCount"], VisibilityTimeout=0
    )["Messages"]
    assert found["Body"] == body(b"poison", "p-1", "pump")
    # Twice by the function, and once just now.
    assert found["Attributes"]["ApproximateReceiveCount"] == "3"
    assert seqs(cloud, "p-1") == [0, 1, 2, 4, 5, 6, 7]
