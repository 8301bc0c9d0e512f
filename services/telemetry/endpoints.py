"""Readings of one device, and SQL over the lake."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from services.composition import Services
from services.identity import ReadableDevice, SignedIn, services_of
from services.openapi import problems_of
from services.telemetry.answers import TelemetryAnswer
from services.telemetry.lake_query import LakeAnswer, LakeQuestion, form_of
from services.telemetry.render import Form
from services.telemetry.request import TelemetryQuery

router = APIRouter(tags=["telemetry"])
Collaborators = Annotated[Services, Depends(services_of)]


@router.get(
    "/api/v1/devices/{device_id}/telemetry",
    responses=problems_of(400, 401, 404, 429, 503),
    response_description="Its readings, or bins of them",
)
def read_telemetry(device: ReadableDevice, query: Annotated[TelemetryQuery, Query()], services: Collaborators) -> TelemetryAnswer:
    """The newest reading of a device, its readings of a range, or statistics of bins.

    They come from the time-series store; what it does not keep any more, or all while it is away, from the lake. `source` says
    which it was, `covered` which has what. A device without readings has an answer without points.
    """
    return services.telemetry.read(device.device_id, query, services.paging, device.caller.user_id)


@router.post(
    "/api/v1/lake/query",
    response_class=Response,
    responses={
        200: {
            "model": LakeAnswer,
            "content": {str(Form.CSV): {"example": "device_id,hottest\nengine-7,1403.1\n"}, str(Form.ARROW): {}},
            "headers": {
                "Fleetlake-Truncated": {"description": "as `truncated`", "schema": {"type": "string"}},
                "Fleetlake-Rows-Left-Out": {"description": "as `rows_left_out`", "schema": {"type": "string"}},
                "Fleetlake-Restricted-Tables": {"description": "as `restricted_tables`", "schema": {"type": "string"}},
            },
        },
        **problems_of(400, 401, 403, 406, 408, 413, 415, 429, 503),
    },
    response_description="The rows, in the form that was accepted",
)
def query_lake(
    caller: SignedIn,
    question: LakeQuestion,
    services: Collaborators,
    # OpenAPI has whoever reads it pass over a parameter of this name: the answers' forms say what may be accepted.
    accept: Annotated[str, Header(max_length=500, include_in_schema=False)] = "*/*",
) -> Response:
    """Ask the lake by SQL: one SELECT over silver, gold and features, which hold just the devices that you may read; the answer says so.

    Raw tables (bronze, quarantine, replayed) and those of operation (ops) are for admins. At most 10,000 rows, 10 MB and 30 seconds.
    As JSON, or by Accept as CSV or an Arrow stream. In JSON decimals, whole numbers beyond 2^53, NaN and the infinities are texts,
    moments ISO 8601, bytes base64, maps lists of pairs.
    """
    form = form_of(accept)
    answered = services.telemetry.lake.ask(caller, services.permissions.visible(caller), question, form)
    headers = {
        "Fleetlake-Truncated": str(answered.facts["truncated"]).lower(),
        "Fleetlake-Rows-Left-Out": str(answered.facts["rows_left_out"]).lower(),
        "Fleetlake-Restricted-Tables": ", ".join(answered.facts["restricted_tables"]),
    }
    return Response(answered.body, media_type=str(form), headers=headers)
