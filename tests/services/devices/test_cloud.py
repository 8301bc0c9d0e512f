"""Devices against the laptop's cloud: what the API issues connects over mutual TLS, and what it takes away does not."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.provisioning import DeviceFiles
from runtime.clock import FixedClock
from tests.cloud import Cloud, running_cloud
from tests.local.mqtt import Session, session
from tests.services.devices.surroundings import Api, ServicesByHand
from tests.services.devices.test_creation import csr_of
from tests.services.people import NOW
from tests.waiting import eventually

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def api(cloud: Cloud) -> Api:
    clock = FixedClock(NOW)
    return Api(ServicesByHand(cloud.platform, clock), cloud.platform, clock)


def files_of(cloud: Cloud, folder: Path, certificate: dict[str, Any], key: str = "") -> DeviceFiles:
    """What a device has of the answer, as files."""
    folder.mkdir()
    (folder / "device.key").write_text(key or certificate["private_key"])
    (folder / "device.pem").write_text(certificate["certificate_pem"])
    return DeviceFiles(folder / "device.key", folder / "device.pem", cloud.settings.home / "authority" / "ca.pem")


def is_refused(cloud: Cloud, files: DeviceFiles, client_id: str) -> bool:
    attempt = Session(files, client_id)
    try:
        return attempt.connect(cloud.platform.mqtt_endpoint()) != "connected: Success"
    except OSError:
        return True
    finally:
        attempt.close()


def test_a_device_connects_with_what_it_was_issued_and_publishes_as_itself_alone(cloud: Cloud, api: Api, tmp_path: Path) -> None:
    made = api.make("engine-7", type="turbofan", attributes={"model": "CFM56"}, groups=["hall-3"])
    files = files_of(cloud, tmp_path / "engine-7", made.json()["certificate"])
    with session(cloud.platform.mqtt_endpoint(), files, "engine-7") as device:
        assert device.publish("dt/fleetlake/engine-7/turbofan", b"{}") == "published: Success"
        assert device.publish("dt/fleetlake/engine-8/turbofan", b"{}") == "published: Not authorized"
    assert is_refused(cloud, files, "engine-8")
    thing = cloud.platform.client("iot").describe_thing(thingName="engine-7")
    assert (thing["thingTypeName"], thing["attributes"]) == ("turbofan", {"model": "CFM56"})


def test_a_device_that_keeps_its_key_connects_with_a_certificate_of_its_request(cloud: Cloud, api: Api, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    made = api.make("own-key", csr=csr_of(key)).json()["certificate"]
    assert made["private_key"] is None
    with session(cloud.platform.mqtt_endpoint(), files_of(cloud, tmp_path / "own-key", made, text), "own-key") as device:
        assert device.publish("dt/fleetlake/own-key/pump", b"{}") == "published: Success"


def test_a_certificate_that_was_removed_is_refused_and_its_successor_taken(cloud: Cloud, api: Api, tmp_path: Path) -> None:
    first = api.make("rotating").json()["certificate"]
    old = files_of(cloud, tmp_path / "old", first)
    new = files_of(cloud, tmp_path / "new", api.call("POST", "/rotating/certificates", json={}).json())
    assert not is_refused(cloud, old, "rotating")
    assert api.call("DELETE", f"/rotating/certificates/{first['certificate_id']}").status_code == 200
    assert is_refused(cloud, old, "rotating")
    assert not is_refused(cloud, new, "rotating")


def test_a_connection_that_is_open_may_do_nothing_once_its_certificate_is_removed(cloud: Cloud, api: Api, tmp_path: Path) -> None:
    certificate = api.make("staying").json()["certificate"]
    with session(cloud.platform.mqtt_endpoint(), files_of(cloud, tmp_path / "staying", certificate), "staying") as device:
        assert device.publish("dt/fleetlake/staying/pump", b"{}") == "published: Success"
        assert api.call("DELETE", f"/staying/certificates/{certificate['certificate_id']}").status_code == 200
        assert device.publish("dt/fleetlake/staying/pump", b"{}") != "published: Success"


def test_who_is_connected_is_found_by_the_fleet_index(cloud: Cloud, api: Api, tmp_path: Path) -> None:
    certificate = api.make("online", groups=["index"]).json()["certificate"]
    api.make("offline", groups=["index"])
    query = {"query": "thingGroupNames:index connectivity.connected:true"}
    assert api.call("GET", "", params=query).json()["code"] == "InvalidQueryException"
    indexing = {"thingIndexingMode": "REGISTRY", "thingConnectivityIndexingMode": "STATUS"}
    cloud.platform.client("iot").update_indexing_configuration(thingIndexingConfiguration=indexing)
    with session(cloud.platform.mqtt_endpoint(), files_of(cloud, tmp_path / "online", certificate), "online"):
        found = eventually(lambda: api.call("GET", "", params=query).json().get("devices"), 10, "the index knows who is connected")
    assert [device["device_id"] for device in found] == ["online"]


def test_what_a_broken_creation_left_behind_does_not_connect(cloud: Cloud, api: Api, tmp_path: Path) -> None:
    certificates = api.services.devices.certificates
    left: list[Any] = []
    issue = certificates.issue

    def issued_and_gone(csr: str) -> Any:
        left.append(issue(csr))
        raise ConnectionError("cut off behind the answer")

    certificates.issue = issued_and_gone  # type: ignore[method-assign]
    assert api.make("broken", key="k1").status_code == 500
    certificates.issue = issue  # type: ignore[method-assign]
    stray = {"certificate_pem": left[0].pem, "private_key": left[0].private_key}
    assert is_refused(cloud, files_of(cloud, tmp_path / "stray", stray), "broken")
    mended = api.make("broken", key="k1")
    assert mended.status_code == 201
    assert not is_refused(cloud, files_of(cloud, tmp_path / "mended", mended.json()["certificate"]), "broken")


def test_a_deletion_takes_certificates_shadows_jobs_and_the_thing(cloud: Cloud, api: Api, tmp_path: Path) -> None:
    made = api.make("leaving", groups=["hall-3"]).json()["certificate"]
    iot, data = cloud.platform.client("iot"), cloud.platform.client("iot-data")
    for name in ({}, {"shadowName": "fleet"}):
        data.update_thing_shadow(thingName="leaving", payload=json.dumps({"state": {"desired": {"a": 1}}}), **name)
    iot.create_job(jobId="leave", targets=[iot.describe_thing(thingName="leaving")["thingArn"]], document="{}")
    told = api.delete("leaving", '"1"')
    assert told.status_code == 200, told.text
    assert (told.json()["shadows_deleted"], told.json()["jobs_cancelled"]) == (["", "fleet"], ["leave"])
    assert is_refused(cloud, files_of(cloud, tmp_path / "leaving", made), "leaving")
    assert "leaving" not in {thing["thingName"] for thing in iot.list_things()["things"]}
    assert "leaving" not in iot.list_things_in_thing_group(thingGroupName="hall-3")["things"]
    assert api.make("leaving").headers["ETag"] == '"3"'


def test_of_many_at_once_one_makes_a_device_and_one_changes_it(cloud: Cloud, api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: api.make("raced", user=f"operator-o{n}"), range(8)))
        changed = list(pool.map(lambda n: api.put("raced", '"1"', "admin-ada", attributes={"n": str(n)}), range(8)))
    assert sorted(answer.status_code for answer in made) == [201] + [409] * 7
    assert [answer.status_code for answer in changed].count(200) == 1
    assert {answer.status_code for answer in changed} <= {200, 409, 412}
    told = api.get("raced", "admin-ada").json()
    thing = cloud.platform.client("iot").describe_thing(thingName="raced")
    assert (told["version"], told["state"], thing["attributes"]) == (2, "active", told["attributes"])
    attached = cloud.platform.client("iot").list_thing_principals(thingName="raced")["principals"]
    assert [arn.rpartition("/")[2] for arn in attached] == told["certificate_ids"]


def test_an_import_lists_and_searches(api: Api) -> None:
    items = [{"device_id": f"pump-{n:03}", "type": "pump", "attributes": {"n": str(n)}, "groups": ["pumps"]} for n in range(60)]
    report = api.call("POST", "/import", json={"devices": items}).json()
    assert (report["created"], report["failed"]) == (60, 0)
    assert api.call("POST", "/import", json={"devices": items}).json()["exists"] == 60
    page = api.call("GET", "", params={"query": "thingGroupNames:pumps attributes.n:[10 TO 20}", "limit": 6}).json()
    assert [each["device_id"] for each in page["devices"]] == [f"pump-{n:03}" for n in range(10, 16)]
    rest = api.call(
        "GET", "", params={"query": "thingGroupNames:pumps attributes.n:[10 TO 20}", "limit": 6, "next_token": page["next_token"]}
    ).json()
    assert [each["device_id"] for each in rest["devices"]] == [f"pump-{n:03}" for n in range(16, 20)]
    assert api.services.directory.in_group("pumps") == {f"pump-{n:03}" for n in range(60)}
