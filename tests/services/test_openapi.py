"""What the OpenAPI document says of this part: summaries, examples, problems, and no status that is never given."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no types

from runtime.platforms import current_platform
from runtime.settings import Settings
from services.application import create
from services.composition import Services
from services.openapi import problems_of


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = create(Services(current_platform(Settings())), ["auth"])

    return app.openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    listed = [(f"{method} {path}", operation) for path, methods in document["paths"].items() for method, operation in methods.items()]
    return [(name, operation) for name, operation in listed if name.split()[1].startswith(("/auth", "/users"))]


def test_every_operation_is_described_and_declares_its_problems(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert {"400", "401", "413", "415", "429", "500", "503"} <= operation["responses"].keys(), name
        assert "422" not in operation["responses"], name
        for status, response in operation["responses"].items():
            if status >= "400":
                (content,) = response["content"].items()
                assert content[0] == "application/problem+json"
                assert content[1]["example"]["status"] == int(status)


def test_every_field_of_a_request_has_an_example_or_choices(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("SignUp", "Credentials", "DeviceGrants", "GroupGrants", "TagGrants", "Denials", "RolesGiven"):
        for field, schema in schemas[name]["properties"].items():
            assert schema.get("examples") or "default" in str(schema) or field == "rights", (name, field)


def test_a_problem_of_any_status_is_described() -> None:
    assert problems_of(404, 409).keys() >= {400, 401, 404, 409, 429}
    assert problems_of(429)[429]["headers"].keys() == {"Retry-After"}
    assert problems_of(504)[504]["content"]["application/problem+json"]["example"]["code"] == "GatewayTimeoutException"


def test_health_declares_what_a_wrong_question_is_answered(document: dict[str, Any]) -> None:
    declared = document["paths"]["/health"]["get"]["responses"]
    assert declared.keys() == {"200", "400", "413", "415", "500", "503"}
    assert [list(declared[status]["content"]) for status in ("400", "503")] == [["application/problem+json"], ["application/json"]]


@pytest.fixture(scope="module")
def everything() -> dict[str, Any]:
    return create(Services(current_platform(Settings()))).openapi()


def bodies(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Of each operation the JSON that is sent and that which a success answers."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
            for what, place in {"request": operation.get("requestBody", {}), **answers}.items():
                if body := place.get("content", {}).get("application/json"):
                    found.append((f"{method.upper()} {path} {what}", body))
    return found


def test_each_body_has_a_whole_example_that_its_schema_takes(everything: dict[str, Any]) -> None:
    assert len(bodies(everything)) > 60
    for name, body in bodies(everything):
        examples = [each["value"] for each in body["examples"].values()] if "examples" in body else [body["example"]]
        assert examples, name
        for example in examples:
            faults = list(Draft202012Validator(body["schema"] | {"components": everything["components"]}).iter_errors(example))
            assert faults == [], name


def test_each_success_says_what_comes(everything: dict[str, Any]) -> None:
    for path, methods in everything["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                assert answer["description"] not in ("", "Successful Response"), (method, path, status)
                assert not status.startswith("3"), (method, path)


def test_the_document_speaks_to_who_writes_a_client(everything: dict[str, Any]) -> None:
    assert [server["url"] for server in everything["servers"]] == ["/"]
    said = everything["info"]["description"]
    assert "1 to 128 letters" in said
    for word in ("Authorization: Bearer", "next_token", "If-Match", "Idempotency-Key", "Retry-After"):
        assert word in said, word
    for word in ("FastAPI", "router"):
        assert word not in said, word


def test_no_schema_is_there_that_nothing_uses(everything: dict[str, Any]) -> None:
    text = json.dumps(everything)
    assert not {"ValidationError", "HTTPValidationError", "Malformed"} & everything["components"]["schemas"].keys()
    for name in everything["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name
    # A client's types are named by them.
    assert all("__" not in name for name in everything["components"]["schemas"])


def test_no_parameter_has_a_name_that_openapi_passes_over() -> None:
    everything = create(Services(current_platform(Settings()))).openapi()["paths"]
    headers = [
        parameter["name"].lower()
        for methods in everything.values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "header"
    ]
    assert "if-match" in headers
    assert not {"accept", "content-type", "authorization"} & set(headers)
