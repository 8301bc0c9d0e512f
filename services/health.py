"""GET /health: whether this process lives, whether it can serve, and what it stands on."""

import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from functools import cache
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from fleet import tables
from runtime.platforms import Platform
from runtime.settings import REPOSITORY
from services.composition import Services
from services.openapi import problems_of

# A load balancer waits five seconds for an answer by default.
_WAIT_SECONDS = 3.0

router = APIRouter(tags=["health"])


class Dependency(BaseModel):
    is_up: bool = Field(description="Whether it answered just now", examples=[True])
    milliseconds: float = Field(description="How long it took", examples=[4.2])


class Health(BaseModel):
    status: Literal["live", "ready", "degraded"] = Field(examples=["ready"])
    build: str = Field(description="The version that runs", examples=["0.1.0"])
    dependencies: dict[str, Dependency] = Field(
        description="Empty when asked for mere life", examples=[{"dynamodb": {"is_up": True, "milliseconds": 4.2}}]
    )


# Nobody need sign in for it, and a busy API answers it as well.
_ANSWERS: dict[int | str, dict[str, Any]] = {
    **{status: problem for status, problem in problems_of().items() if status not in (401, 429)},
    503: {"model": Health, "description": "A dependency does not answer"},
}


@router.get("/health", responses=_ANSWERS, response_description="It lives, or everything that it stands on answers")
def health(request: Request, response: Response, check: Literal["live", "ready"] = "ready") -> Health:
    """`check=live` asks nobody else: a container that fails it is to be replaced. `ready` looks at what the API stands on."""
    services: Services = request.app.state.services
    if check == "live":
        return Health(status="live", build=_build(), dependencies={})
    found = _look(services.platform)
    is_ready = all(dependency.is_up for dependency in found.values())
    response.status_code = 200 if is_ready else 503
    return Health(status="ready" if is_ready else "degraded", build=_build(), dependencies=found)


@cache
def _build() -> str:
    # Of the code itself: a package for AWS is not installed, and what is installed may be older than a checkout.
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])


def _look(platform: Platform) -> dict[str, Dependency]:
    """All at once, each within its time: one that hangs costs neither the answer nor the others'."""
    asked: dict[str, Callable[[], object]] = {
        "dynamodb": lambda: platform.client("dynamodb").describe_table(TableName=tables.GRANTS.full_name(platform.settings)),
        "iot": lambda: platform.client("iot").describe_endpoint(endpointType="iot:Data-ATS"),
        "cognito": lambda: platform.client("cognito-idp").list_user_pools(MaxResults=1),
    }
    pool = ThreadPoolExecutor(len(asked))
    begun = time.monotonic()
    running = {name: pool.submit(_timed, ask) for name, ask in asked.items()}
    found = {}
    for name, call in running.items():
        try:
            found[name] = call.result(max(0.0, begun + _WAIT_SECONDS - time.monotonic()))
        except Late:
            found[name] = Dependency(is_up=False, milliseconds=_WAIT_SECONDS * 1000)
    pool.shutdown(wait=False)
    return found


def _timed(ask: Callable[[], object]) -> Dependency:
    begun = time.monotonic()
    try:
        ask()
        is_up = True
    except Exception:  # noqa: BLE001 - whatever it is, the dependency does not answer
        is_up = False
    return Dependency(is_up=is_up, milliseconds=round((time.monotonic() - begun) * 1000, 1))
