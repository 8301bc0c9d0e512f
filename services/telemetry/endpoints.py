"""Readings of one device, and SQL over the lake."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.composition import Services
from services.identity import ReadableDevice, services_of
from services.openapi import problems_of
from services.telemetry.answers import TelemetryAnswer
from services.telemetry.request import TelemetryQuery

router = APIRouter(tags=["telemetry"])
Collaborators = Annotated[Services, Depends(services_of)]


@router.get("/api/v1/devices/{device_id}/telemetry", responses=problems_of(400, 401, 404, 429, 503))
def read_telemetry(device: ReadableDevice, query: Annotated[TelemetryQuery, Query()], services: Collaborators) -> TelemetryAnswer:
    """The newest reading of a device, its readings of a range, or statistics of bins.

    They come from the time-series store; what it does not keep any more, or all while it is away, from the lake. `source` says
    which it was, `covered` which has what. A device without readings has an answer without points.
    """
    return services.telemetry.read(device.device_id, query, services.paging, device.caller.user_id)
