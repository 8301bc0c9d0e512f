"""What the OpenAPI document says of this part: summaries, examples, problems, and no status that is never given."""

from typing import Any

import pytest

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
