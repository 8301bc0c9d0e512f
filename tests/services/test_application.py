"""What every answer of the application has, whoever gives it."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Query
from fastapi.testclient import TestClient

from runtime.errors import RetryLater, UsageError, UserError
from runtime.settings import Settings
from services.application import ALL_PARTS, create
from services.composition import Services
from services.identity import Admin, SignedIn
from services.rates import Rates
from tests.services.directory import FakeDirectory
from tests.services.people import NamesAsTokens, Table, bearer

_strange = APIRouter()


@_strange.get("/strange/{kind}")
def strange(kind: str) -> None:
    errors: dict[str, Exception] = {
        "bug": ZeroDivisionError("the password is swordfish"),
        "user": UserError("make bread: there is no flour; buy some"),
        "later": RetryLater("S3 at 10.0.0.7 is away"),
    }
    raise errors[kind]


@_strange.get("/strange-number")
def number(value: Annotated[int, Query(ge=1)]) -> int:
    return value


@_strange.get("/whoami")
def whoami(caller: SignedIn) -> str:
    return caller.user_name


@_strange.put("/whoami")
def rename(caller: SignedIn) -> str:
    return caller.user_id


@_strange.get("/admins")
def admins(caller: Admin) -> str:
    return caller.user_name


class _Platform:
    settings = Settings(api_origins="https://app.example.com")


def _client(rates: Rates | None = None) -> TestClient:
    services = Services(_Platform())  # type: ignore[arg-type] # nothing of it is asked here but its settings
    services.__dict__ |= {"tokens": NamesAsTokens(), "permissions": Table(), "directory": FakeDirectory()}
    services.__dict__["rates"] = rates or Rates(0, 0)
    app = create(services, [])
    app.include_router(_strange)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with _client() as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/strange/bug", 500, "InternalFailureException"),
        ("/strange/user", 400, "ValidationException"),
        ("/strange/later", 503, "ServiceUnavailableException"),
        ("/strange-number?value=0", 400, "ValidationException"),
        ("/strange-number", 400, "ValidationException"),
        ("/no-such-path", 404, "ResourceNotFoundException"),
        ("/whoami", 401, "NotAuthorizedException"),
    ],
)
def test_every_error_is_a_problem_with_awss_code_and_an_id_that_the_log_has(
    client: TestClient, path: str, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "fleetlake.access"):
        answer = client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"], answer.headers["x-amzn-errortype"]) == (status, status, code, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["instance"] == path.partition("?")[0]
    assert problem["request_id"] == answer.headers["x-amzn-requestid"]
    assert problem["request_id"] in {getattr(record, "request_id", "") for record in caplog.records if record.name == "fleetlake.access"}


def test_what_nobody_foresaw_and_what_is_away_tell_nothing_of_the_inside(client: TestClient) -> None:
    assert "swordfish" not in client.get("/strange/bug").text
    assert "10.0.0.7" not in client.get("/strange/later").text
    assert client.get("/strange/later").headers["retry-after"] == "1"


def test_a_path_with_a_slash_too_many_is_none_and_leads_to_no_other_host(client: TestClient) -> None:
    answer = client.get("/whoami/", headers={"Host": "evil.example"}, follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFoundException")
    assert "location" not in answer.headers


def test_two_authorization_headers_are_no_login(client: TestClient) -> None:
    ada, eve = bearer("ada")["Authorization"], bearer("eve")["Authorization"]
    for tokens in ((ada, eve), (ada, ada)):
        refused = client.get("/whoami", headers=[("Authorization", token) for token in tokens])
        assert (refused.status_code, refused.json()["code"]) == (401, "NotAuthorizedException")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "GZIP"])
def test_a_body_that_is_packed_is_refused_even_where_it_is_not(client: TestClient, coding: str) -> None:
    refused = client.put("/whoami", headers=bearer("ada") | {"Content-Encoding": coding}, json={})
    assert (refused.status_code, refused.json()["code"]) == (415, "UnsupportedMediaTypeException")
    assert client.put("/whoami", headers=bearer("ada") | {"Content-Encoding": "identity"}, json={}).status_code == 200


_TOO_DEEP = "JSON contains too many levels of nesting; maximum is 6"
_NOT_UTF8 = "Unsupported documented encoding; supported encoding is UTF-8"


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b'{"state": ', 400, "InvalidRequestException", "Invalid JSON"),
        (b'{"state": {"desired": {"a": 1, "a": 2}}}', 400, "InvalidRequestException", "Invalid JSON"),
        (b'{"state": {"desired": {"a": NaN}}}', 400, "InvalidRequestException", "Invalid JSON"),
        (b'{"state": {"desired": {"a": 1e999}}}', 400, "InvalidRequestException", "Invalid JSON"),
        (b'\xef\xbb\xbf{"state": {}}', 400, "InvalidRequestException", "Invalid JSON"),
        (b'{"state": {"desired": {"a": "\\ud800"}}}', 400, "InvalidRequestException", "Invalid JSON"),
        (b'{"state": {"desired": {"a": "\xff"}}}', 415, "UnsupportedDocumentEncodingException", _NOT_UTF8),
        (b'{"state": {"desired": ' + b'{"a":' * 40 + b"1" + b"}" * 42, 400, "InvalidRequestException", _TOO_DEEP),
        (b"[" * 100_000, 400, "InvalidRequestException", _TOO_DEEP),
    ],
    ids=["broken", "a key twice", "NaN", "infinite", "BOM", "half a pair", "not UTF-8", "deep", "a bomb"],
)
def test_a_shadow_document_that_is_no_json_is_refused_in_the_words_of_aws_iot(
    client: TestClient, body: bytes, status: int, code: str, words: str
) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/devices/engine-7/shadow", "/devices/engine-7/shadow/config"):
        answer = client.put(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (status, code, words)
    for path in ("/whoami", "/devices/engine-7/shadows/restore", "/devices/engine-7"):
        assert client.put(path, content=body, headers=headers).json()["code"] == "SerializationException"


def test_a_refused_method_says_which_there_are(client: TestClient) -> None:
    answer = client.post("/whoami", json={})
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "MethodNotAllowedException", "GET, PUT")
    # Of FastAPI's own pages too.
    assert client.delete("/openapi.json").headers["allow"] == "GET, HEAD"


def test_an_invalid_request_names_each_place(client: TestClient) -> None:
    assert client.get("/strange-number?value=0").json()["errors"] == [
        {"at": "query.value", "message": "Input should be greater than or equal to 1"}
    ]


def test_the_callers_request_id_is_kept_unless_it_could_break_a_line(client: TestClient) -> None:
    for good in ("app-2026.11:29", "7", "short", "x" * 128):
        assert client.get("/whoami", headers={"X-Request-Id": good}).headers["x-amzn-requestid"] == good
    for hostile in ("a b", "", "x" * 129, '"}{"user_id":"root"'):
        given = client.get("/whoami", headers={"X-Request-Id": hostile}).headers["x-amzn-requestid"]
        assert re.fullmatch(r"[0-9a-f-]{36}", given), hostile


def test_every_answer_has_the_headers_that_browsers_heed(client: TestClient) -> None:
    for path in ("/whoami", "/strange/bug", "/no-such-path", "/openapi.json"):
        headers = client.get(path).headers
        assert (headers["x-content-type-options"], headers["x-frame-options"], headers["cache-control"]) == (
            "nosniff",
            "DENY",
            "no-store",
        ), path
        assert "default-src 'none'" in headers["content-security-policy"], path


def test_the_page_of_all_operations_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "http" not in page.text + policy
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(needed) == 4
    found = {name: client.get(f"/{name}") for name in needed}
    assert {name: answer.status_code for name, answer in found.items()} == dict.fromkeys(needed, 200)
    assert "SwaggerUIBundle" in found["docs/swagger-ui-bundle.js"].text
    assert found["docs/begin.js"].text.startswith('SwaggerUIBundle({url: "openapi.json"')
    assert found["docs/swagger-ui.css"].headers["content-type"].startswith("text/css")
    assert client.get("/docs/other.js").status_code == 400
    assert client.get("/redoc").status_code == 404


def test_only_the_pages_of_the_settings_may_call(client: TestClient) -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    ours = client.options("/whoami", headers=asked | {"Origin": "https://app.example.com"})
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (200, "https://app.example.com")
    assert "access-control-allow-origin" not in client.options("/whoami", headers=asked | {"Origin": "https://evil.example.com"}).headers


def test_the_access_log_has_who_and_what_and_nothing_secret(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fleetlake.access"):
        client.get("/whoami?next_token=hush", headers=bearer("anna", "admin") | {"Idempotency-Key": "hush"})
    record = next(record for record in caplog.records if record.name == "fleetlake.access")
    told = {name: getattr(record, name) for name in ("method", "path", "route", "status", "user_id", "role")}
    assert told == {"method": "GET", "path": "/whoami", "route": "/whoami", "status": 200, "user_id": "id-of-anna", "role": "admin"}
    everything = json.dumps(vars(record), default=str)
    assert "hush" not in everything
    assert "Bearer" not in everything


def test_an_operation_for_administrators_says_so_to_others(client: TestClient) -> None:
    assert client.get("/admins", headers=bearer("root", "admin")).json() == "root"
    refused = client.get("/admins", headers=bearer("anna"))
    assert (refused.status_code, refused.json()["detail"]) == (403, "this operation is for admins; anna is operator")


def test_a_user_who_calls_too_often_is_told_when_to_come_back_and_others_are_served() -> None:
    with _client(Rates(5, 0)) as client:
        statuses = [client.get("/whoami", headers=bearer("anna")).status_code for _ in range(8)]
        assert statuses == [200] * 5 + [429] * 3
        refused = client.get("/whoami", headers=bearer("anna"))
        assert (refused.json()["code"], refused.headers["retry-after"]) == ("ThrottlingException", "1")
        assert client.get("/whoami", headers=bearer("ben")).status_code == 200


def test_a_part_that_there_is_none_of_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"weather is none; there are auth, devices, shadow, telemetry"):
        create(Services(_Platform()), ["weather"])  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ALL_PARTS)
def test_each_part_is_served_alone(part: str) -> None:
    document: dict[str, Any] = create(Services(_Platform()), [part]).openapi()  # type: ignore[arg-type]
    beginnings = {"auth": ("/auth", "/users"), "devices": ("/api/v1/devices",), "shadow": ("/devices", "/batch"), "telemetry": ("/api/v1",)}
    assert len(document["paths"]) > 1
    assert all(path == "/health" or path.startswith(beginnings[part]) for path in document["paths"])
