"""What the shadows' operations take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from services import identity
from services.malformed import Malformed, each_alone

# https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_GetThingShadow.html
_NAME = r"^[$a-zA-Z0-9:_-]{1,64}$"
ShadowName = Annotated[str, Path(pattern=_NAME, description="Name of a named shadow", examples=["config"])]
NamedOrClassic = Annotated[str, Query(pattern=rf"^$|{_NAME}", description="Name of a named shadow; empty: the classic one")]
MOST_ITEMS = 1000
_SECONDS = 1_795_867_200
_UPDATE: dict[str, JsonValue] = {"state": {"desired": {"rpm": 900}}}
_ITEMS: list[JsonValue] = [
    {"device_id": "engine-7", "action": "update", "document": _UPDATE},
    {"device_id": "engine-8", "action": "get", "name": "config"},
]


class ShadowState(BaseModel):
    desired: dict[str, Any] | None = Field(None, examples=[{"rpm": 900}])
    reported: dict[str, Any] | None = Field(None, examples=[{"rpm": 850}])
    delta: dict[str, Any] | None = Field(None, description="What is desired and not, or otherwise, reported", examples=[{"rpm": 900}])


class ShadowDocument(BaseModel):
    """As AWS IoT has it: the sections that there are, when each leaf was set, the version."""

    state: ShadowState | None = None
    metadata: dict[str, Any] | None = Field(None, examples=[{"desired": {"rpm": {"timestamp": _SECONDS}}}])
    version: int = Field(ge=0, examples=[3])
    timestamp: int = Field(description="Epoch seconds", examples=[_SECONDS])
    clientToken: str | None = Field(None, examples=["app-1"])


class ShadowNames(BaseModel):
    results: list[str] = Field(description="Names of the named shadows, sorted", examples=[["config", "fleet"]])
    next_token: str | None = None


class ShadowVersion(BaseModel):
    version: int = Field(examples=[3])
    at: datetime | None = Field(description="When it was accepted; null where AWS IoT has not told yet", examples=["2026-11-28T12:00:00Z"])
    by: str = Field(
        description='The user who made it; "" where the device did, or another client of AWS IoT',
        examples=["0f8fad5b-d9cb-469f-a165-70867728950e"],
    )
    document: dict[str, Any] | None = Field(
        description="state and metadata of that version",
        examples=[{"state": {"desired": {"rpm": 900}}, "metadata": {"desired": {"rpm": {"timestamp": _SECONDS}}}}],
    )
    deleted_at: datetime | None = Field(description="When this version was deleted", examples=[None])
    deleted_by: str = Field(examples=[""])


class ShadowHistory(BaseModel):
    versions: list[ShadowVersion] = Field(description="The newest first")
    next_token: str | None = None


class Restore(BaseModel):
    version: int = Field(ge=1, description="The version whose state is wanted again", examples=[3])
    sections: list[Literal["desired", "reported"]] = Field(default=["desired"], min_length=1, description="What to restore of it")


class BatchItem(BaseModel):
    device_id: str = Field(pattern=identity.DEVICE_ID, examples=["engine-7"])
    action: Literal["get", "update", "delete"] = "get"
    name: str = Field(default="", pattern=rf"^$|{_NAME}", description="Name of a named shadow; empty: the classic one")
    document: dict[str, Any] | None = Field(default=None, description="The body of an update", examples=[_UPDATE])

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "BatchItem":
        if (self.document is not None) != (self.action == "update"):
            raise ValueError("an update has a document, a get and a delete have none")
        return self


class Batch(BaseModel):
    """Either `items`, or one `document` for every device that a search finds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": _ITEMS}, {"query": "attributes.site:hall-3", "document": _UPDATE}]})

    items: list[Annotated[BatchItem | Malformed, each_alone(BatchItem)]] | None = Field(default=None, min_length=1, max_length=MOST_ITEMS)
    query: str | None = Field(default=None, min_length=1, max_length=1000, description="A search, as GET /api/v1/devices takes it")
    name: str = Field(default="", pattern=rf"^$|{_NAME}", description="Of a query: the shadow's name; empty: the classic one")
    document: dict[str, Any] | None = Field(default=None, description="Of a query: the update that each found device gets")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "Batch":
        if (self.items is None) == (self.query is None) or (self.query is None) != (self.document is None):
            raise ValueError("give items, or query and document")
        return self


class ItemResult(BaseModel):
    device_id: str = Field(description='As the item has it; "" where it has none', examples=["engine-7"])
    name: str = Field(description="The shadow's; empty: the classic one", examples=[""])
    status: int = Field(description="What a single call would have answered; 408: it was not begun in time", examples=[200])
    answer: ShadowDocument | None = None
    code: str = Field(default="", description="AWS's error code; empty where it went well")
    detail: str = ""


class BatchResult(BaseModel):
    succeeded: int = Field(examples=[1])
    failed: int = Field(examples=[0])
    results: list[ItemResult] = Field(description="In the items' order")


class Delta(BaseModel):
    """As ``update/delta`` has it."""

    version: int = Field(examples=[3])
    timestamp: int = Field(description="Epoch seconds", examples=[_SECONDS])
    state: dict[str, Any] = Field(examples=[{"rpm": 900}])
    metadata: dict[str, Any] = Field(examples=[{"rpm": {"timestamp": _SECONDS}}])
