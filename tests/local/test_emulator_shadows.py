"""Shadows of the laptop's cloud are those of AWS, over HTTP and over MQTT, and what is said of them reaches devices and rules."""

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.provisioning import DeviceFiles, provision
from tests.cloud import Cloud, running_cloud
from tests.local.shadow_entrances import ConnectedDevice, Entrance, OverHttp, OverMqtt, connected, race_over_http, topic_of

pytestmark = pytest.mark.cloud

TOO_LARGE = (413, "The payload exceeds the maximum size allowed")


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


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Of a shadow of the test's own."""
    return f"s{zlib.crc32(request.node.nodeid.encode())}"


@pytest.fixture(params=["http", "mqtt"])
def shadow(request: pytest.FixtureRequest, cloud: Cloud, device: ConnectedDevice, name: str) -> Entrance:
    if request.param == "http":
        return OverHttp(cloud.platform.client("iot-data"), "engine-a", name)
    return OverMqtt(device, "engine-a", name)


def state(**sections: Any) -> bytes:
    return json.dumps({"state": sections}).encode()


@pytest.mark.parametrize("version", [0, 1])
def test_a_new_shadow_takes_the_version_of_none(shadow: Entrance, version: int) -> None:
    assert shadow.update(b'{"state": {}, "version": %d}' % version)[1]["version"] == 1
    assert shadow.update(b'{"state": {}, "version": 5}') == (409, "Version conflict")


def test_a_boolean_is_no_number_in_a_delta(shadow: Entrance) -> None:
    shadow.update(state(desired={"on": True, "rpm": 1}, reported={"on": 1, "rpm": 1.0}))
    assert shadow.get()[1]["state"]["delta"] == {"on": True}


def test_a_client_token_comes_back_and_has_64_bytes(shadow: Entrance) -> None:
    assert shadow.update(b'{"state": {}, "clientToken": "t-1"}')[1]["clientToken"] == "t-1"
    assert shadow.update(b'{"state": {}, "clientToken": "%s"}' % (b"x" * 65)) == (400, "Invalid clientToken")


@pytest.mark.parametrize(("given", "left"), [(state(desired=None), {"reported": {"a": 1}}), (b'{"state": null}', {})])
def test_a_null_clears_a_section_or_both(shadow: Entrance, given: bytes, left: dict[str, Any]) -> None:
    shadow.update(state(desired={"a": 1}, reported={"a": 1}))
    assert shadow.update(given)[0] == 200
    assert shadow.get()[1]["state"] == left


def test_a_document_of_more_than_8192_bytes_is_refused(shadow: Entrance) -> None:
    around = len('{"k":""}')
    assert shadow.update(state(reported={"k": "x" * (8192 - around)}))[0] == 200
    assert shadow.update(state(reported={"k": "x" * (8193 - around)})) == TOO_LARGE
    assert shadow.update(state(desired={"k": 1})) == TOO_LARGE


def test_seven_levels_are_refused(shadow: Entrance) -> None:
    six: dict[str, Any] = {"1": {"2": {"3": {"4": {"5": {}}}}}}
    assert shadow.update(state(desired=six))[0] == 200
    assert shadow.update(state(desired={"0": six})) == (400, "JSON contains too many levels of nesting; maximum is 6")
    assert shadow.update(b'{"state": ' + b'{"a":' * 20_000) == (400, "JSON contains too many levels of nesting; maximum is 6")


def test_a_null_in_an_array_is_refused_and_one_in_a_new_object_is_not_kept(shadow: Entrance) -> None:
    assert shadow.update(state(desired={"a": [1, None]})) == (400, "Invalid JSON")
    stamp = {"timestamp": shadow.update(state(reported={"a": {"never": None, "b": [1, 2]}}))[1]["timestamp"]}
    document = shadow.get()[1]
    assert document["state"] == {"reported": {"a": {"b": [1, 2]}}}
    assert document["metadata"] == {"reported": {"a": {"b": [stamp, stamp]}}}


def test_a_shadow_is_deleted_once_and_its_version_goes_on(shadow: Entrance, name: str) -> None:
    shadow.update(state(desired={"a": 1}))
    shadow.update(state(desired={"a": 2}))
    assert shadow.delete()[1]["version"] == 2
    gone = (404, f"No shadow exists with name: engine-a~{name}")
    assert (shadow.delete(), shadow.get()) == (gone, gone)
    assert shadow.update(state(desired={"a": 3}))[1]["version"] == 3


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"{", (400, "Invalid JSON")),
        (b'{"state": {"desired": {"a": "\xff"}}}', (415, "Unsupported documented encoding; supported encoding is UTF-8")),
        (b'{"state": {"delta": {}}}', (400, "State contains an invalid node: 'delta'")),
        (b'{"state": {"desired": {"a": 1e999}}}', (400, "Invalid JSON")),
    ],
)
def test_what_is_no_request_is_refused_in_aws_words(shadow: Entrance, payload: bytes, answer: tuple[int, str]) -> None:
    assert shadow.update(payload) == answer
    assert shadow.get()[0] == 404


def test_text_of_every_script_comes_back_as_it_was(shadow: Entrance) -> None:
    words = {"é": "Ünï", "日本": "🚜", "\u0000": '"\\\u2028'}
    shadow.update(state(desired=words))
    assert shadow.get()[1]["state"]["desired"] == words


@pytest.mark.parametrize(
    ("payload", "exception"),
    [
        (b"{", "InvalidRequestException"),
        (b'{"state": {}, "version": 9}', "ConflictException"),
        (state(desired={"a": "x" * 9000}), "RequestEntityTooLargeException"),
        (b"\xff", "UnsupportedDocumentEncodingException"),
    ],
)
def test_errors_reach_boto3_as_the_exceptions_of_its_model(cloud: Cloud, name: str, payload: bytes, exception: str) -> None:
    data = cloud.platform.client("iot-data")
    data.update_thing_shadow(thingName="engine-a", shadowName=name, payload=b'{"state": {}}')
    with pytest.raises(getattr(data.exceptions, exception)):
        data.update_thing_shadow(thingName="engine-a", shadowName=name, payload=payload)
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.get_thing_shadow(thingName="engine-a", shadowName="never")


def test_a_thing_that_is_not_registered_may_have_a_shadow(cloud: Cloud) -> None:
    unknown = OverHttp(cloud.platform.client("iot-data"), "nobody:7_x-Y", None)
    assert unknown.get() == (404, "No shadow exists with name: nobody:7_x-Y")
    assert unknown.update(state(desired={"a": 1}))[1]["version"] == 1
    assert unknown.get()[1]["state"]["desired"] == {"a": 1}


def test_a_name_that_is_none_is_refused(cloud: Cloud, device: ConnectedDevice) -> None:
    data = cloud.platform.client("iot-data")
    assert OverHttp(data, "a b", None).update(b'{"state": {}}')[0] == 400
    assert OverHttp(data, "engine-a", "a/b").get()[0] == 400
    assert device.subscribe("$aws/things/engine-a/shadow/name/a b/#") == "Granted QoS 1"
    assert device.publish("$aws/things/engine-a/shadow/name/a b/update", b'{"state": {}}') == "Success"
    topics = [device.hear() for _ in range(2)]
    assert [(topic.rpartition("/")[2], document.get("code")) for topic, document in topics] == [("update", None), ("rejected", 400)]


@pytest.mark.parametrize("named", [True, False])
def test_a_device_hears_what_an_app_desires_and_all_that_comes_of_it(cloud: Cloud, device: ConnectedDevice, name: str, named: bool) -> None:
    app = OverHttp(cloud.platform.client("iot-data"), "engine-a", name if named else None)
    app.update(b'{"state": null}')
    topic = topic_of("engine-a", name if named else None)
    assert device.subscribe(f"{topic}/update/+") == "Granted QoS 1"
    # An error over HTTP is answered there alone.
    assert app.update(b'{"state": 7}')[0] == 400
    accepted = app.update(b'{"state": {"desired": {"fan": "on"}}, "clientToken": "t-1"}')[1]
    heard = [device.hear() for _ in range(3)]
    assert [place.removeprefix(topic) for place, _ in heard] == ["/update/accepted", "/update/delta", "/update/documents"]
    documents = dict(heard)
    assert documents[f"{topic}/update/accepted"] == accepted
    assert documents[f"{topic}/update/delta"]["state"] == {"fan": "on"}
    assert documents[f"{topic}/update/documents"]["current"]["version"] == accepted["version"]
    assert {document["clientToken"] for document in documents.values()} == {"t-1"}


def test_a_shadow_is_one_and_the_same_over_both_entrances(cloud: Cloud, device: ConnectedDevice, name: str) -> None:
    app, own = OverHttp(cloud.platform.client("iot-data"), "engine-a", name), OverMqtt(device, "engine-a", name)
    assert app.update(state(desired={"fan": "on"}))[1]["version"] == 1
    device.hear()
    assert own.update(state(reported={"fan": "off"}))[1]["version"] == 2
    assert app.get() == own.get()
    assert app.delete()[0] == 200
    assert device.hear()[0] == f"{topic_of('engine-a', name)}/delete/accepted"
    assert own.get()[0] == 404


@pytest.mark.parametrize("name_filter", ["", "/name/+"])
def test_rules_on_the_documents_fire_for_both_entrances(cloud: Cloud, device: ConnectedDevice, name: str, name_filter: str) -> None:
    shadow_name = name if name_filter else None
    messages = ruled(cloud, name, f"$aws/things/+/shadow{name_filter}/update/documents")
    OverHttp(cloud.platform.client("iot-data"), "engine-a", shadow_name).update(b'{"state": {}, "clientToken": "http"}')
    OverMqtt(device, "engine-a", shadow_name).update(b'{"state": {}, "clientToken": "mqtt"}')
    heard = messages()
    assert {message["clientToken"] for message in heard} == {"http", "mqtt"}
    assert {message["thing"] for message in heard} == {"engine-a"}


def ruled(cloud: Cloud, name: str, topic_filter: str) -> Callable[[], list[dict[str, Any]]]:
    """What a rule on `topic_filter` has put into a queue since, asked once."""
    sqs, iot = cloud.platform.client("sqs"), cloud.platform.client("iot")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sql = f"SELECT *, topic(3) AS thing FROM '{topic_filter}'"
    action = {"sqs": {"roleArn": "arn:aws:iam::000000000000:role/rule", "queueUrl": url, "useBase64": False}}
    iot.create_topic_rule(ruleName=name, topicRulePayload={"sql": sql, "awsIotSqlVersion": "2016-03-23", "actions": [action]})

    def messages() -> list[dict[str, Any]]:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
        iot.delete_topic_rule(ruleName=name)
        return [json.loads(message["Body"]) for message in received]

    return messages


def test_the_named_shadows_of_a_thing_are_listed_by_pages_in_order(cloud: Cloud) -> None:
    data = cloud.platform.client("iot-data")
    for shadow_name in ("b", "$a", "c", "d", "gone", None):
        OverHttp(data, "lister", shadow_name).update(b'{"state": {}}')
    OverHttp(data, "lister", "gone").delete()
    whole = data.list_named_shadows_for_thing(thingName="lister")
    assert (whole["results"], "nextToken" in whole, isinstance(whole["timestamp"], int)) == (["$a", "b", "c", "d"], False, True)
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while not pages or token:
        page = data.list_named_shadows_for_thing(thingName="lister", pageSize=2, **token)
        pages.append(page["results"])
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
    assert pages == [["$a", "b"], ["c", "d"]]
    assert data.list_named_shadows_for_thing(thingName="stranger")["results"] == []


def test_a_page_has_25_names_unless_another_size_up_to_100_is_asked(cloud: Cloud) -> None:
    data = cloud.platform.client("iot-data")
    for number in range(26):
        OverHttp(data, "many", f"s{number:02}").update(b'{"state": {}}')
    assert len(data.list_named_shadows_for_thing(thingName="many")["results"]) == 25
    assert len(data.list_named_shadows_for_thing(thingName="many", pageSize=100)["results"]) == 26


@pytest.mark.parametrize("asked", [{"pageSize": 101}, {"nextToken": "é"}, {"nextToken": "no token"}])
def test_a_page_that_cannot_be_is_refused(cloud: Cloud, asked: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.platform.client("iot-data").list_named_shadows_for_thing(thingName="many", **asked)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


def test_the_fleet_index_finds_a_thing_by_what_it_reported(cloud: Cloud, devices: dict[str, DeviceFiles]) -> None:
    iot = cloud.platform.client("iot")
    iot.update_indexing_configuration(thingIndexingConfiguration={"thingIndexingMode": "REGISTRY_AND_SHADOW"})
    OverHttp(cloud.platform.client("iot-data"), "engine-b", None).update(state(reported={"firmware": "v77"}))
    found = iot.search_index(queryString="shadow.reported.firmware:v77")["things"]
    assert [thing["thingName"] for thing in found] == ["engine-b"]


def test_eight_writers_at_once_lose_no_update_and_no_version(cloud: Cloud) -> None:
    data = cloud.platform.client("iot-data")
    assert sorted(race_over_http(data, "raced", writers=8, updates=50)) == list(range(1, 401))
    document = OverHttp(data, "raced", None).get()[1]
    assert (document["version"], document["state"]["reported"]) == (400, {f"w{writer}": 49 for writer in range(8)})


def test_a_restart_keeps_shadows_versions_and_what_was_deleted(tmp_path: Path) -> None:
    # The emulator gives these keys a meaning where it saves them.
    hostile = {"__bytes__": "AAAA", "__scoped__": True, "data": 7, "__account_region_scoped__": 1, "__ministack_format__": 99}
    with running_cloud(tmp_path / "home") as cloud:
        data = cloud.platform.client("iot-data")
        for version in range(3):
            OverHttp(data, "kept", "climate").update(state(desired=hostile | {"n": version}))
            OverHttp(data, "kept", None).update(state(reported={"n": version}))
        before = OverHttp(data, "kept", "climate").get()[1]
        OverHttp(data, "kept", None).delete()
    with running_cloud(tmp_path / "home") as cloud:
        data = cloud.platform.client("iot-data")
        after = OverHttp(data, "kept", "climate").get()[1]
        assert [after[part] for part in ("state", "metadata", "version")] == [before[part] for part in ("state", "metadata", "version")]
        assert data.list_named_shadows_for_thing(thingName="kept")["results"] == ["climate"]
        assert OverHttp(data, "kept", None).get()[0] == 404
        assert OverHttp(data, "kept", None).update(state(reported={"n": 9}))[1]["version"] == 4
