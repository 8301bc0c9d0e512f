"""What is refused, with which code and place, and that nothing of it was done."""

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.services.devices.surroundings import Api
from tests.services.devices.test_creation import csr_of


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


HOSTILE = ["", "a" * 129, "a b", "a/b", "a#b", "$aws", "../x", "ä", "a\n", "a\x00", "+", "a;drop", "%2e%2e", "a.b", "'--", "{{7*7}}"]


@pytest.mark.parametrize("device_id", HOSTILE)
def test_a_hostile_id_is_refused_and_makes_nothing(quiet: Api, device_id: str) -> None:
    refused = quiet.make(device_id)
    assert (refused.status_code, refused.json()["code"]) == (400, "ValidationException")
    assert refused.json()["errors"][0]["at"] == "body.device_id"
    assert quiet.platform.client("dynamodb").scan(TableName="fleetlake-devices")["Count"] == 1


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"attributes": {f"a{n}": "x" for n in range(4)}}, "body.attributes"),
        ({"type": "t", "attributes": {f"a{n}": "x" for n in range(51)}}, "body.attributes"),
        ({"attributes": {"a b": "x"}}, "body.attributes.a b.[key]"),
        ({"attributes": {"a": "x y"}}, "body.attributes.a"),
        ({"attributes": {"a": ""}}, "body.attributes.a"),
        ({"attributes": {"a": "x" * 801}}, "body.attributes.a"),
        ({"attributes": {"a" * 129: "x"}}, f"body.attributes.{'a' * 129}.[key]"),
        ({"groups": [f"g{n}" for n in range(11)]}, "body.groups"),
        ({"groups": ["g 1"]}, "body.groups.0"),
        ({"tags": {f"t{n}": "x" for n in range(51)}}, "body.tags"),
        ({"tags": {"AWS:x": "y"}}, "body.tags"),
        ({"tags": {"a=b": "y"}}, "body.tags.a=b.[key]"),
        ({"type": "a/b"}, "body.type"),
        ({"owner": "id-of-otto"}, "body.owner"),
        ({"version": 3}, "body.version"),
    ],
)
def test_what_aws_iot_does_not_take_is_refused_with_its_place(quiet: Api, body: dict[str, Any], at: str) -> None:
    for refused in (quiet.make("engine-9", **body), quiet.call("PUT", "/engine-7", headers={"If-Match": "*"}, json=body)):
        assert refused.status_code == 400
        assert [each["at"] for each in refused.json()["errors"]] == [at]
    assert quiet.get("engine-9").status_code == 404
    assert quiet.get("engine-7").json()["version"] == 1


def tampered(csr: str) -> str:
    parsed = x509.load_pem_x509_csr(csr.encode())
    der = bytearray(parsed.public_bytes(serialization.Encoding.DER))
    at = der.find(b"engine-7")
    der[at : at + 8] = b"engine-8"
    return x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("csr", "why"),
    [
        ("no PEM", "no PEM"),
        ("Ünicode", "no PEM"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "no PEM"),
        (csr_of(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (csr_of(ec.generate_private_key(ec.SECP521R1())), "P-256"),
        (csr_of(ec.generate_private_key(ec.SECP256K1())), "P-256"),
        (tampered(csr_of(ec.generate_private_key(ec.SECP256R1()))), "signature"),
    ],
    ids=["text", "not ASCII", "empty PEM", "short RSA", "P-521", "secp256k1", "another name"],
)
def test_a_request_that_no_certificate_may_be_made_of_is_refused_and_makes_nothing(quiet: Api, csr: str, why: str) -> None:
    for refused in (quiet.make("engine-9", csr=csr), quiet.call("POST", "/engine-7/certificates", json={"csr": csr})):
        assert (refused.status_code, refused.json()["code"]) == (400, "InvalidRequestException")
        assert why in refused.json()["detail"]
    assert quiet.get("engine-9").status_code == 404
    assert len(quiet.iot().list_certificates()["certificates"]) == 1


@pytest.mark.parametrize(
    ("if_match", "expected"),
    [
        (None, (428, "PreconditionRequired")),
        ('"2"', (412, "PreconditionFailed")),
        ('W/"1"', (412, "PreconditionFailed")),
        ('""', (412, "PreconditionFailed")),
        ("1", (400, "ValidationException")),
        ('"1', (400, "ValidationException")),
    ],
)
def test_who_has_not_seen_the_version_changes_and_deletes_nothing(quiet: Api, if_match: str | None, expected: tuple[int, str]) -> None:
    headers = {} if if_match is None else {"If-Match": if_match}
    assert code(quiet.call("PUT", "/engine-7", headers=headers, json={"tags": {"a": "b"}})) == expected
    assert code(quiet.call("DELETE", "/engine-7", headers=headers)) == expected
    assert (quiet.get("engine-7").json()["version"], quiet.get("engine-7").json()["tags"]) == (1, {})


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 251}, {"limit": "x"}, {"sort": "owner"}, {"query": "x" * 1001}])
def test_what_no_list_can_be_made_of_is_refused(quiet: Api, parameters: dict[str, Any]) -> None:
    refused = quiet.call("GET", "", params=parameters)
    assert (refused.status_code, refused.json()["code"]) == (400, "ValidationException")


def test_a_wrong_query_is_refused_with_its_place(quiet: Api) -> None:
    refused = quiet.call("GET", "", params={"query": "thingName:a AND ("}).json()
    assert (refused["status"], refused["code"], refused["position"]) == (400, "InvalidQueryException", 17)


OPERATIONS: list[tuple[str, str, Any]] = [
    ("GET", "/{id}", None),
    ("PUT", "/{id}", {}),
    ("DELETE", "/{id}", None),
    ("GET", "/{id}/history", None),
    ("POST", "/{id}/certificates", {}),
    ("DELETE", "/{id}/certificates/" + "a" * 64, None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
@pytest.mark.parametrize("user", ["operator-otto", "viewer-victor", "device-engine-9"])
def test_a_foreign_device_and_one_that_is_missing_have_the_same_answer(quiet: Api, method: str, path: str, body: Any, user: str) -> None:
    answers = [quiet.call(method, path.format(id=name), user, {"If-Match": "*"}, json=body) for name in ("engine-7", "engine-8")]
    told = [json.dumps({**answer.json(), "request_id": ""}).replace("engine-8", "engine-7") for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert told[0] == told[1]
    assert quiet.get("engine-7").json()["version"] == 1


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS[1:3] + OPERATIONS[4:])
@pytest.mark.parametrize("user", ["viewer-vera", "device-engine-7"])
def test_neither_viewers_nor_the_device_itself_change_the_registry(quiet: Api, method: str, path: str, body: Any, user: str) -> None:
    assert quiet.get("engine-7", user).status_code == 200
    answer = quiet.call(method, path.format(id="engine-7"), user, {"If-Match": "*"}, json=body)
    assert code(answer) == (403, "AccessDeniedException")
    assert quiet.get("engine-7").json()["version"] == 1


@pytest.mark.parametrize(("method", "path", "body"), [*OPERATIONS, ("GET", "", None), ("POST", "", {}), ("POST", "/import", {})])
def test_nobody_who_is_not_signed_in_learns_anything(quiet: Api, method: str, path: str, body: Any) -> None:
    assert code(quiet.call(method, path.format(id="engine-7"), "", json=body)) == (401, "NotAuthorizedException")


@pytest.mark.parametrize("user", ["viewer-vera", "device-engine-7"])
def test_only_operators_and_administrators_make_devices(quiet: Api, user: str) -> None:
    assert code(quiet.make("engine-9", user=user)) == (403, "AccessDeniedException")
    assert code(quiet.call("POST", "/import", user, json={"devices": [{"device_id": "engine-9"}]})) == (403, "AccessDeniedException")
    assert [thing["thingName"] for thing in quiet.iot().list_things()["things"]] == ["engine-7"]
