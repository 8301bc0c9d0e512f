"""The templates deployed in the emulator: a message goes from MQTT to bronze over the names that they give, an alarm to its topic."""

import copy
import dataclasses
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.configuration import Configuration
from infra.names import Names
from infra.packaging.archives import make_zip
from infra.packaging.functions import API, INGEST
from lake.layout import bronze_prefix, quarantine_root
from lake.objects import list_keys
from local.cloud_resources import location
from local.provisioning import provision
from runtime.platforms import Platform, current_platform
from runtime.sqs import Queue
from tests.cloud import Cloud, running_cloud
from tests.infra.deployed import deploy
from tests.infra.synthesis import Synthesis, context, synthesised
from tests.local.shadow_entrances import connected
from tests.waiting import eventually

pytestmark = pytest.mark.cloud

STACKS = ("FoundationStack", "LakeStack", "IotPocStack", "AuthStack", "DeviceShadowStack", "EcsApiStack", "OtaStack", "MonitoringStack")
_READING = {"ts": int(time.time() * 1000), "seq": 0, "temperature_celsius": 21.5, "humidity_percent": 40.0, "co2_ppm": 600.0}
_PACK = json.dumps({"boot": "b1", "readings": [_READING]}).encode()
NAMES = Names(Configuration.from_context(context()))


@dataclasses.dataclass(frozen=True)
class Deployed:
    """`cloud` has the settings of the deployment, beside the endpoints of this machine."""

    cloud: Cloud
    made: dict[str, set[str]]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    synthesis = copy.deepcopy(synthesised("dev"))
    home, (account, region) = tmp_path_factory.mktemp("deployed"), (NAMES.configuration.account, NAMES.configuration.region)
    with running_cloud(home, account=account, region=region) as laptop:
        _publish_code(synthesis, laptop, tmp_path_factory.mktemp("code"))
        variables = {
            "FLEETLAKE_AWS_ENDPOINT": laptop.supervisor.endpoints["aws_endpoint"],
            # The emulator's own settings, which its children would inherit, are a laptop's.
            "FLEETLAKE_CONTRACTS_FOLDER": "",
            "FLEETLAKE_HOME": "",
        }
        made = deploy(synthesis, laptop.platform.client("cloudformation"), STACKS, variables)
        yield Deployed(_with_deployed_names(laptop), made)


def _publish_code(synthesis: Synthesis, laptop: Cloud, folder: Path) -> None:
    """What `cdk deploy` uploads first: here our code alone, as the libraries are those of the emulator's Python."""
    for package in (INGEST, API):
        package.add_code(folder / package.name)
        make_zip(folder / package.name, folder / f"{package.name}.zip")
    s3 = laptop.platform.client("s3")
    for _, function in synthesis.resources("AWS::Lambda::Function"):
        code = function["Code"]
        if "S3Key" in code:
            # With the account in its name.
            bucket = code["S3Bucket"] if isinstance(code["S3Bucket"], str) else code["S3Bucket"]["Fn::Sub"]
            if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
                s3.create_bucket(Bucket=bucket, **location(laptop.settings.region))
            package = INGEST if function["Handler"].startswith("ingestion.") else API
            s3.upload_file(str(folder / f"{package.name}.zip"), bucket, code["S3Key"])


def _with_deployed_names(laptop: Cloud) -> Cloud:
    told = NAMES.settings
    names = {
        name: getattr(told, name)
        for name in (
            "lake_bucket",
            "telemetry_queue",
            "error_queue",
            "dead_letter_queue",
            "rule_name",
            "device_policy",
            "alarm_topic",
            "table_prefix",
        )
    }
    settings = dataclasses.replace(laptop.settings, **names)
    return Cloud(settings, current_platform(settings), laptop.supervisor)


def test_the_emulator_takes_what_it_supports_of_every_stack(deployed: Deployed) -> None:
    assert {"AWS::SQS::Queue", "AWS::IoT::TopicRule", "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"} <= deployed.made[
        "IotPocStack"
    ]
    assert {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"} <= deployed.made["LakeStack"]
    assert {"AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient"} <= deployed.made["AuthStack"]
    assert {"AWS::DynamoDB::Table", "AWS::IoT::TopicRule"} <= deployed.made["DeviceShadowStack"]
    assert "AWS::CloudWatch::Alarm" in deployed.made["MonitoringStack"]


def test_a_message_goes_from_mqtt_to_bronze_over_the_deployed_names(deployed: Deployed) -> None:
    platform = deployed.cloud.platform
    files = provision(platform, ["hall-1"])["hall-1"]
    with connected(platform.mqtt_endpoint(), files, "hall-1") as device:
        assert device.publish("dt/fleetlake/hall-1/environment", _PACK) == "Success"

    def objects() -> list[str]:
        return list(list_keys(platform, bronze_prefix("environment")))

    (key,) = eventually(objects, seconds=60, what="an object in the deployed bucket")
    (row,) = _rows(platform, key)
    assert (row["device_id"], row["temperature_celsius"]) == ("hall-1", 21.5)
    # The mapping deletes what the function has put: else it would come again.
    eventually(lambda: waiting(platform) == 0, seconds=30, what="an empty queue")
    assert not list(list_keys(platform, quarantine_root()))


def _rows(platform: Platform, key: str) -> list[dict[str, Any]]:
    body = platform.client("s3").get_object(Bucket=platform.lake_bucket, Key=key)["Body"].read()
    return list(pq.read_table(io.BytesIO(body)).to_pylist())


def waiting(platform: Platform) -> int:
    return Queue(platform.client("sqs"), platform.settings.telemetry_queue).waiting()


def test_an_alarm_reaches_whoever_subscribes_to_the_topic(deployed: Deployed) -> None:
    platform = deployed.cloud.platform
    sqs, sns = platform.client("sqs"), platform.client("sns")
    queue = sqs.create_queue(QueueName="on-call")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=NAMES.topic_arn, Protocol="sqs", Endpoint=arn)
    reason = {"AlarmName": NAMES.of("dead-letters"), "StateValue": "ALARM", "StateReason": "a test says so"}
    platform.client("cloudwatch").set_alarm_state(**reason)

    def heard() -> list[Any]:
        return list(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", ()))

    message = json.loads(json.loads(eventually(heard, seconds=30, what="the alarm")[0]["Body"])["Message"])
    assert (message["AlarmName"], message["NewStateValue"]) == ("fleetlake-dev-dead-letters", "ALARM")
    assert message["AlarmDescription"].endswith("see docs/runbook.md#dead-letters")
