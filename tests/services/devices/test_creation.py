"""A device is made whole, once, by one; what breaks off half way is mended; the private key is shown once."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from runtime.settings import Settings
from services.devices.certificates import Certificates
from tests.services.devices.surroundings import Api


def csr_of(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "engine-7")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def attached(api: Api, device_id: str) -> list[str]:
    return [arn.rpartition("/")[2] for arn in api.iot().list_thing_principals(thingName=device_id)["principals"]]


def status(api: Api, certificate_id: str) -> str:
    return str(api.iot().describe_certificate(certificateId=certificate_id)["certificateDescription"]["status"])


def all_certificates(api: Api) -> list[str]:
    return [each["certificateId"] for each in api.iot().list_certificates()["certificates"]]


def test_a_device_is_made_with_its_thing_its_certificate_and_the_policy(api: Api) -> None:
    made = api.make("engine-7", type="turbofan", attributes={"model": "CFM56"}, groups=["hall-3"], tags={"team": "engines"})
    assert (made.status_code, made.headers["ETag"], made.headers["Location"]) == (201, '"1"', "/api/v1/devices/engine-7")
    told = made.json()
    certificate_id = told["certificate"]["certificate_id"]
    thing = api.iot().describe_thing(thingName="engine-7")
    assert (thing["thingTypeName"], thing["attributes"]) == ("turbofan", {"model": "CFM56"})
    assert api.iot().list_things_in_thing_group(thingGroupName="hall-3")["things"] == ["engine-7"]
    assert attached(api, "engine-7") == [certificate_id]
    assert status(api, certificate_id) == "ACTIVE"
    arn = api.iot().describe_certificate(certificateId=certificate_id)["certificateDescription"]["certificateArn"]
    assert [each["policyName"] for each in api.iot().list_attached_policies(target=arn)["policies"]] == [Settings().device_policy]
    assert told["certificate"]["private_key"].startswith("-----BEGIN RSA PRIVATE KEY")
    assert (told["owner"], told["version"], told["state"], told["created_at"]) == ("id-of-olga", 1, "active", "2026-11-28T12:00:00.000Z")


def test_reading_a_device_never_shows_a_private_key(api: Api) -> None:
    key = api.make("engine-7").json()["certificate"]["private_key"].splitlines()[3]
    answers = [api.get("engine-7").text, api.call("GET", "/engine-7/history").text]
    assert not any(key in answer for answer in answers)
    rows = [str(api.platform.client("dynamodb").scan(TableName=f"fleetlake-{name}")) for name in ("devices", "device-history", "requests")]
    assert not any(key in row for row in rows)


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())]
)
def test_a_device_may_keep_its_key_and_send_a_request(api: Api, key: Any) -> None:
    made = api.make("engine-7", csr=csr_of(key))
    assert made.status_code == 201
    assert made.json()["certificate"]["private_key"] is None


def test_of_what_is_sent_the_request_alone_goes_on() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    sent: list[str] = []

    def create_certificate_from_csr(certificateSigningRequest: str, setAsActive: bool) -> dict[str, str]:
        sent.append(certificateSigningRequest)
        return {"certificateId": "", "certificateArn": "", "certificatePem": ""}

    iot = SimpleNamespace(create_certificate_from_csr=create_certificate_from_csr)
    Certificates(iot, Settings().device_policy).issue(key.private_bytes(*form).decode() + csr_of(key))
    assert sent[0].startswith("-----BEGIN CERTIFICATE REQUEST")
    assert "PRIVATE" not in sent[0]


def test_the_same_request_again_answers_the_device_without_its_key(api: Api) -> None:
    first = api.make("engine-7", key="k1", attributes={"model": "a"})
    again = api.make("engine-7", key="k1", attributes={"model": "a"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["certificate"]["certificate_pem"] == first.json()["certificate"]["certificate_pem"]
    assert again.json()["certificate"]["private_key"] is None
    assert "another certificate" in again.json()["certificate"]["note"]
    assert len(all_certificates(api)) == 1


@pytest.mark.parametrize("other", [{"device_id": "engine-8"}, {"device_id": "engine-7", "tags": {"a": "b"}}])
def test_a_key_that_was_used_with_another_body_is_refused(api: Api, other: dict[str, Any]) -> None:
    api.make("engine-7", key="k1")
    refused = api.make(key="k1", **other)
    assert (refused.status_code, refused.json()["code"]) == (422, "IdempotentParameterMismatchException")
    assert api.get("engine-8").status_code == 404


def test_a_key_is_its_users_own_and_holds_for_a_day(api: Api) -> None:
    api.make("engine-7", key="k1")
    assert api.make("engine-8", user="operator-otto", key="k1").status_code == 201
    api.clock.advance(days=1, seconds=1)
    assert api.make("engine-9", key="k1").status_code == 201
    assert api.make("engine-7", key="k1").status_code == 422


def test_what_was_deleted_is_not_made_again_by_its_old_request(api: Api) -> None:
    api.make("engine-7", key="k1")
    api.delete("engine-7")
    again = api.make("engine-7", key="k1")
    assert (again.status_code, again.json()["code"]) == (409, "ConflictException")
    assert api.get("engine-7").status_code == 404


def test_a_taken_id_tells_its_owner_how_to_go_on_and_others_the_same_whatever_has_it(api: Api) -> None:
    api.make("engine-7")
    own, by_admin = api.make("engine-7"), api.make("engine-7", user="admin-ada")
    assert [(each.status_code, each.json()["code"]) for each in (own, by_admin)] == [(409, "ResourceAlreadyExistsException")] * 2
    assert {each.json()["detail"] for each in (own, by_admin)} == {"device engine-7: the id is taken by this very device; change it by PUT"}
    foreign = {"another's device": api.make("engine-7", user="operator-otto")}
    api.delete("engine-7")
    foreign["a deleted one"] = api.make("engine-7", user="operator-otto")
    api.iot().create_thing(thingName="engine-8")
    foreign["a thing of AWS IoT"] = api.make("engine-8", user="operator-otto")
    told = {each.json()["detail"].replace("engine-8", "engine-7") for each in foreign.values()}
    assert told == {
        "device engine-7: the id is taken: by a device, by one that was deleted, or by a thing of AWS IoT that is not registered; take another "
        "id, or ask an administrator, who may register the last two"
    }
    assert api.get("engine-7").status_code == 404


def test_where_a_creation_or_a_deletion_broke_off_its_owner_is_told_how_to_end_it(api: Api) -> None:
    api.platform.broken.add("CreateKeysAndCertificate")
    assert api.make("engine-7", key="k1").status_code == 500
    assert "repeat it with its Idempotency-Key, or delete the device" in api.make("engine-7").json()["detail"]
    assert "Idempotency-Key" not in api.make("engine-7", user="operator-otto").json()["detail"]
    api.platform.broken.clear()
    assert api.make("engine-7", key="k1").status_code == 201
    api.platform.broken.add("DeleteThing")
    assert api.delete("engine-7").status_code == 500
    assert "delete it again" in api.make("engine-7").json()["detail"]


def test_of_many_creations_of_one_id_at_once_one_goes_on(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: api.make("engine-7", user=f"operator-o{n}"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    (winner,) = (answer.json() for answer in answers if answer.status_code == 201)
    assert attached(api, "engine-7") == all_certificates(api) == [winner["certificate"]["certificate_id"]]


def test_only_an_administrator_registers_a_thing_that_is_there_already(api: Api) -> None:
    api.iot().create_thing(thingName="engine-7")
    refused = api.make("engine-7")
    assert (refused.status_code, refused.json()["code"]) == (409, "ResourceAlreadyExistsException")
    assert attached(api, "engine-7") == []
    assert api.make("engine-7", user="admin-ada", attributes={"model": "a"}).status_code == 201
    assert api.iot().describe_thing(thingName="engine-7")["attributes"] == {"model": "a"}


BOUNDARIES = [
    "CreateThing",
    "AddThingToThingGroup",
    "CreateKeysAndCertificate",
    "AttachPolicy",
    "AttachThingPrincipal",
    "UpdateCertificate",
]


@pytest.mark.parametrize("call", BOUNDARIES)
def test_a_creation_that_breaks_off_is_mended_by_the_same_request(api: Api, call: str) -> None:
    api.platform.broken = {call}
    assert api.make("engine-7", key="k1", groups=["hall-3"]).status_code == 500
    assert call in api.platform.calls
    api.platform.broken = set()
    assert api.get("engine-7").json()["state"] == "creating"
    assert [each for each in all_certificates(api) if status(api, each) == "ACTIVE"] == []
    mended = api.make("engine-7", key="k1", groups=["hall-3"])
    assert (mended.status_code, mended.json()["state"]) == (201, "active")
    certificate_id = mended.json()["certificate"]["certificate_id"]
    assert mended.json()["certificate"]["private_key"]
    assert mended.json()["certificate_ids"] == attached(api, "engine-7") == [certificate_id]
    assert status(api, certificate_id) == "ACTIVE"
    assert [line["what"] for line in api.call("GET", "/engine-7/history").json()["lines"]] == ["created"]


@pytest.mark.parametrize("call", BOUNDARIES)
def test_a_creation_that_breaks_off_can_be_deleted(api: Api, call: str) -> None:
    api.platform.broken = {call}
    api.make("engine-7", groups=["hall-3"])
    api.platform.broken = set()
    assert api.put("engine-7", "*").status_code == 409
    assert api.delete("engine-7").status_code == 200
    assert not api.iot().list_things()["things"]
    # What was made and not noted is inactive, and attached to nothing.
    assert all(status(api, each) == "INACTIVE" for each in all_certificates(api))
    assert api.make("engine-7").status_code == 201


def test_a_slow_creation_that_was_taken_over_withdraws_its_certificate(api: Api) -> None:
    enable = api.services.devices.certificates.enable
    answers = []

    def overtaken(device_id: str, issued: Any) -> None:
        api.services.devices.certificates.enable = enable  # type: ignore[method-assign]
        answers.append(api.make("engine-7", key="k1"))
        enable(device_id, issued)

    api.services.devices.certificates.enable = overtaken  # type: ignore[method-assign]
    slow = api.make("engine-7", key="k1")
    assert (slow.status_code, answers[0].status_code) == (409, 201)
    assert attached(api, "engine-7") == all_certificates(api) == [answers[0].json()["certificate"]["certificate_id"]]


@pytest.mark.parametrize("device_id", ["a" * 128, "A:b_c-9", "import", "creating", "-", "__proto__", "0"])
def test_every_name_of_a_thing_is_an_id(api: Api, device_id: str) -> None:
    assert api.make(device_id).status_code == 201
    assert api.get(device_id).json()["device_id"] == device_id


def test_as_many_attributes_as_aws_iot_takes_are_taken(api: Api) -> None:
    assert api.make("e3", attributes={f"a{n}": "x" for n in range(3)}).status_code == 201
    assert api.make("e50", type="t", attributes={f"a{n}": "x" * 800 for n in range(50)}).status_code == 201


def test_a_device_that_is_deleted_while_it_is_made_leaves_nothing(api: Api) -> None:
    converge = api.services.devices.things.converge

    def deleted_meanwhile(device: Any) -> None:
        api.services.devices.things.converge = converge  # type: ignore[method-assign]
        assert api.delete("engine-7").status_code == 200
        converge(device)

    api.services.devices.things.converge = deleted_meanwhile  # type: ignore[method-assign]
    assert api.make("engine-7", groups=["hall-3"]).status_code == 409
    assert (api.iot().list_things()["things"], all_certificates(api)) == ([], [])
    assert api.get("engine-7").status_code == 404
