"""A device may use its own shadows and jobs, and neither another's nor the words of the services themselves."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from fleet.things import device_policy
from local.provisioning import DeviceFiles, provision
from runtime.settings import Settings
from tests.cloud import Cloud, running_cloud
from tests.local.shadow_entrances import ConnectedDevice, OverHttp, OverMqtt, connected, topic_of

# By the policy, or by the broker, which keeps some topics from everybody.
REFUSED = {"Not authorized", "Topic name invalid"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def devices(cloud: Cloud) -> dict[str, DeviceFiles]:
    return provision(cloud.platform, ["engine-a", "engine-b"])


@pytest.fixture
def device(cloud: Cloud, devices: dict[str, DeviceFiles]) -> Iterator[ConnectedDevice]:
    with connected(cloud.platform.mqtt_endpoint(), devices["engine-a"], "engine-a") as one:
        yield one


# The longest names of regions that AWS has.
@pytest.mark.parametrize("region", ["ap-southeast-1", "ap-northeast-1", "us-gov-west-1", "us-east-1"])
def test_the_policy_fits_into_what_aws_takes_in_every_region(region: str) -> None:
    settings = dataclasses.replace(Settings(), region=region, account="123456789012")
    assert len(json.dumps(device_policy(settings), separators=(",", ":"))) <= 2048


@pytest.mark.cloud
@pytest.mark.parametrize("name", [None, "climate"])
def test_a_device_updates_its_own_shadow_and_hears_of_it(device: ConnectedDevice, name: str | None) -> None:
    topic = topic_of("engine-a", name)
    assert device.subscribe("$aws/things/engine-a/shadow/#") == "Granted QoS 1"
    assert device.publish(f"{topic}/update", b'{"state": {"desired": {"fan": "on"}, "reported": {"fan": "off"}}}') == "Success"
    heard = [device.hear()[0].removeprefix(topic) for _ in range(4)]
    assert heard == ["/update", "/update/accepted", "/update/delta", "/update/documents"]


@pytest.mark.cloud
@pytest.mark.parametrize("name", [None, "cabin"])
def test_a_device_reads_and_deletes_its_own_shadow(device: ConnectedDevice, name: str | None) -> None:
    shadow = OverMqtt(device, "engine-a", name)
    assert (shadow.update(b'{"state": {}}')[0], shadow.get()[0], shadow.delete()[0]) == (200, 200, 200)


@pytest.mark.cloud
def test_a_device_reads_its_own_jobs(device: ConnectedDevice) -> None:
    assert device.subscribe("$aws/things/engine-a/jobs/#") == "Granted QoS 1"
    assert device.publish("$aws/things/engine-a/jobs/get", b"{}") == "Success"
    assert "$aws/things/engine-a/jobs/get/accepted" in {device.hear()[0], device.hear()[0]}
    for request in ("start-next", "$next/get", "job-1/get", "job-1/update"):
        assert device.publish(f"$aws/things/engine-a/jobs/{request}", b"{}") == "Success"


@pytest.mark.cloud
@pytest.mark.parametrize(
    "topic",
    [
        *[f"$aws/things/engine-a/shadow/update/{end}" for end in ("documents", "delta", "accepted", "rejected")],
        *[f"$aws/things/engine-a/shadow/name/climate/update/{end}" for end in ("documents", "delta", "accepted")],
        *[f"$aws/things/engine-a/shadow/{verb}/accepted" for verb in ("get", "delete")],
        "$aws/things/engine-a/shadow",
        "$aws/things/engine-a/jobs/notify",
        "$aws/things/engine-a/jobs/job-1/update/accepted",
        "$aws/things/engine-a/defender/metrics/json",
        *[f"$aws/things/engine-b/shadow/{verb}" for verb in ("get", "update", "delete")],
        "$aws/things/engine-b/shadow/name/climate/update",
        "$aws/things/engine-b/jobs/get",
        "$aws/things/engine-ab/shadow/update",
        "$aws/events/presence/connected/engine-b",
    ],
)
def test_a_device_says_nothing_in_the_name_of_a_service_or_of_another_device(device: ConnectedDevice, topic: str) -> None:
    assert device.publish(topic, b'{"state": {}}') in REFUSED


@pytest.mark.cloud
@pytest.mark.parametrize(
    "topic_filter", ["$aws/things/engine-b/shadow/#", "$aws/things/+/shadow/get/accepted", "$aws/things/engine-b/jobs/notify", "#", "dt/#"]
)
def test_a_device_hears_nothing_of_another(device: ConnectedDevice, topic_filter: str) -> None:
    assert device.subscribe(topic_filter) == "Not authorized"


@pytest.mark.cloud
def test_the_shadow_of_another_device_stays_as_it_was(cloud: Cloud, device: ConnectedDevice) -> None:
    other = OverHttp(cloud.platform.client("iot-data"), "engine-b", None)
    other.update(b'{"state": {"reported": {"fan": "on"}}}')
    device.publish("$aws/things/engine-b/shadow/update", b'{"state": null}')
    device.publish("$aws/things/engine-b/shadow/delete", b"")
    document = other.get()[1]
    assert (document["state"], document["version"]) == ({"reported": {"fan": "on"}}, 1)
