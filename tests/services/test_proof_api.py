"""`make proof-api`, small; and that it would tell of answers that are not as the document declares."""

from typing import Any, cast

import pytest
from fastapi import FastAPI, HTTPException, Path
from fastapi.responses import JSONResponse
from schemathesis.generation.hypothesis.builder import HypothesisTestMode as Phase

from runtime.platforms import current_platform
from runtime.settings import Settings
from services.application import create
from services.composition import Services
from tests.cli.api_site import served
from tests.proofs import Size, api
from tests.services.generated import Sender, Spares, schema_of
from tests.services.good_requests import GOOD
from tests.services.live import Live
from tests.services.matrix import operations


def test_each_operation_has_its_good_request_and_none_is_of_another() -> None:
    app = create(Services(current_platform(Settings())))
    assert sorted(GOOD) == sorted(operations(app))


@pytest.mark.cloud
def test_the_running_apis_answer_as_their_document_says() -> None:
    counts = api.prove(Size.SMALL)
    assert counts["operations_that_succeeded"] == counts["operations"] == len(GOOD)
    assert counts["requests"] >= 30
    assert sum(counts["by_status_class"].values()) == counts["requests"] == sum(counts["by_status"].values())
    assert (counts["server_errors"], counts["not_as_declared"]) == (0, 0)


class _Nobody:
    """In the place of the running APIs and of the spare things: there is one thing, a."""

    def headers(self, role: str) -> dict[str, str]:
        return {"X-Role": role}

    def path(self, operation: str, number: int) -> dict[str, str]:
        return {"thing": "a"}

    def mend(self, operation: str, role: str, path: dict[str, Any]) -> None:
        """Nothing is ever taken away."""


def _wrong() -> FastAPI:
    app = FastAPI()

    @app.get("/good/{thing}")
    def good(thing: str = Path(pattern="^[a-z]+$")) -> int:
        return len(thing)

    @app.get("/broken/{thing}")
    def broken(thing: str = Path(pattern="^[a-z]+$")) -> int:
        raise HTTPException(500) if thing == "a" else HTTPException(422)

    @app.get("/undeclared/{thing}")
    def undeclared(thing: str = Path(pattern="^[a-z]+$")) -> int:
        raise HTTPException(409)

    @app.get("/other/{thing}", response_model=int)
    def other(thing: str = Path(pattern="^[a-z]+$")) -> JSONResponse:
        return JSONResponse("a text")

    return app


def test_answers_that_are_not_as_declared_are_told_with_the_command_that_asks_for_them() -> None:
    nobody = _Nobody()
    with served(_wrong()) as url:
        sender = Sender(cast(Live, nobody), schema_of(url), cast(Spares, nobody))
        for operation in sender.operations():
            sender.run(operation, "viewer", [Phase.FUZZING], 10, api.SEED)
    told = {kind: text for kind, text in sender.counts.failures.items() if "422" not in kind}
    assert {" ".join(kind.split(" ")[1:]) for kind in told} == {
        "/broken/{thing}: Server error: 500",
        "/broken/{thing}: Undocumented status code: 500",
        "/undeclared/{thing}: Undocumented status code: 409",
        "/other/{thing}: Response violates schema: 200",
    }
    assert all("curl -X GET" in text and url in text for text in told.values())
    assert "GET /good/{thing}" in sender.counts.succeeded
