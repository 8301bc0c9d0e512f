"""The one FastAPI application: routers by name, each of which can be served alone."""

import importlib
from collections.abc import Collection
from enum import StrEnum

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from fleet.shadow.request import Limits
from runtime.errors import UsageError
from runtime.settings import Settings
from services import docs_page, health, problems
from services.body import BodyGuard
from services.composition import Services
from services.manners import Manners
from services.openapi import DESCRIPTION, SERVERS, DocumentedApi


class Part(StrEnum):
    AUTH = "auth"
    DEVICES = "devices"
    SHADOW = "shadow"
    TELEMETRY = "telemetry"


ALL_PARTS = tuple(Part)


def parts_of(settings: Settings) -> Collection[str]:
    return [part.strip() for part in settings.api_parts.split(",") if part.strip()] or ALL_PARTS


def create(services: Services, parts: Collection[str] = ALL_PARTS) -> FastAPI:
    """The application with the routers of `parts`. Raises UsageError for one that there is none of."""
    if unknown := set(parts) - set(ALL_PARTS):
        raise UsageError(f"parts of the API: {', '.join(sorted(unknown))} is none; there are {', '.join(ALL_PARTS)}")
    # A redirect to the path without its slash would go to whatever host the request names.
    app = DocumentedApi(
        title="fleetlake",
        version="1",
        description=DESCRIPTION,
        servers=SERVERS,
        openapi_url="/openapi.json",
        # FastAPI's own pages load their scripts from elsewhere: services/docs_page.py.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.include_router(health.router)
    app.include_router(docs_page.router)
    for part in ALL_PARTS:
        if part in parts:
            app.include_router(importlib.import_module(f"services.{part}.endpoints").router)
    problems.install(app)
    _wrap(app, services.settings)
    return app


def _wrap(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost.
    app.add_middleware(BodyGuard, limits=Limits(depth=settings.shadow_depth))
    if allowed := [origin.strip() for origin in settings.api_origins.split(",") if origin.strip()]:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=allowed,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key", "X-Request-Id"],
            expose_headers=["ETag", "x-amzn-RequestId", "x-amzn-ErrorType", "Retry-After"],
        )
    app.add_middleware(Manners)
