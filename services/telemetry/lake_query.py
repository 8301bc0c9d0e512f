"""SQL over the lake for whoever may see a part of it: who asks decides which tables and whose rows."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from runtime.clock import Clock
from runtime.platforms import Platform
from services.identity import Caller, Role, Visible
from services.problems import ApiError, Forbidden
from services.telemetry.render import Form
from services.telemetry.sandbox import Answered, Sandbox
from services.telemetry.statement import LONGEST
from services.telemetry.worker import Job, Limits

_INT64 = 2**63
Parameter = StrictBool | Annotated[StrictInt, Field(ge=-_INT64, lt=_INT64)] | StrictFloat | StrictStr | None


class LakeQuestion(BaseModel):
    """One SELECT in DuckDB's SQL. On AWS an admin's goes to Athena as it is, and is in Athena's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "sql": "SELECT device_id, max(t50_lpt_outlet) AS hottest FROM silver.turbofan WHERE event_time >= ? GROUP BY device_id",
                    "parameters": ["2026-11-24T00:00:00Z"],
                    "limit": 100,
                }
            ]
        },
    )

    sql: StrictStr = Field(min_length=1, max_length=LONGEST, description="one SELECT; tables are named as schema.table")
    parameters: list[Parameter] = Field(default=[], max_length=100, description="for its question marks")
    as_of: StrictStr | None = Field(default=None, max_length=40, description="answer as was known then: ISO 8601 with a zone, or latest")
    limit: StrictInt = Field(default=1_000, ge=1, le=10_000, description="rows; beyond them the answer is truncated and says so")


class Column(BaseModel):
    name: str = Field(examples=["device_id"])
    type: str = Field(description="string, int64, float64, bool, date, timestamp, binary, or Arrow's word", examples=["string"])


class LakeAnswer(BaseModel):
    columns: list[Column] = Field(examples=[[{"name": "device_id", "type": "string"}, {"name": "hottest", "type": "float64"}]])
    rows: list[list[Any]] = Field(examples=[[["engine-7", 1403.1]]])
    row_count: int = Field(examples=[1])
    truncated: bool = Field(description="there are more rows than `limit`", examples=[False])
    rows_left_out: bool = Field(description="the tables held only rows of devices that you may read", examples=[True])
    restricted_tables: list[str] = Field(description="those of which rows were left out", examples=[["silver.turbofan"]])
    as_of: str | None = None


@dataclass
class LakeQueries:
    platform: Platform
    clock: Clock
    sandbox: Sandbox
    limits: Limits = Limits()

    def ask(self, caller: Caller, visible: Visible, question: LakeQuestion, form: Form) -> Answered:
        """Raises ApiError: Invalid for what may not be asked, Forbidden for raw tables, 408 and 413 beyond the limits."""
        if caller.role is Role.DEVICE:
            raise Forbidden("query: lake queries are for people; a device reads its own telemetry")
        job = Job(
            settings=self.platform.settings,
            sql=question.sql,
            parameters=tuple(question.parameters),
            as_of=question.as_of,
            limit=question.limit,
            form=form,
            is_admin=caller.role is Role.ADMIN,
            devices=None if visible.everything else visible.device_ids,
            now=self.clock.now(),
            limits=self.limits,
        )
        return self.sandbox.ask(job, caller.user_id)


def form_of(accept: str) -> Form:
    """The form that an Accept header asks for first. Raises ApiError (406) where there is none of those it takes."""
    wanted = sorted(filter(None, (_weighed(part) for part in (accept or "*/*").split(","))), key=lambda each: -each[1])
    for media, weight in wanted:
        if weight > 0 and (found := _FORMS.get(media)):
            return found
    raise ApiError(f"this answers {', '.join(Form)}; none of them is accepted", status=406, code="NotAcceptableException")


_FORMS = {str(form): form for form in Form} | {"*/*": Form.JSON, "application/*": Form.JSON, "text/*": Form.CSV}


def _weighed(part: str) -> tuple[str, float] | None:
    media, *parameters = (word.strip().lower() for word in part.split(";"))
    quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return media, float(quality)
    except ValueError:
        return None
