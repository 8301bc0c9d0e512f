"""What the shadows' operations take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field, model_validator

from services import identity
from services.malformed import Malformed, each_alone

# https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_GetThingShadow.html
_NAME = r"^[$a-zA-Z0-9:_-]{1,64}$"
ShadowName = Annotated[str, Path(pattern=_NAME, description="Name of a named shadow", examples=["config"])]
NamedOrClassic = Annotated[str, Query(pattern=rf"^$|{_NAME}", description="Name of a named shadow; empty: the classic one")]
MOST_ITEMS = 1000


class State(BaseModel):
    desired: dict[str, Any] | None = None
    reported: dict[str, Any] | None = None
    delta: dict[str, Any] | None = None


class ShadowDocument(BaseModel):
    """As AWS IoT has it: the sections that there are, when each leaf was set, the version."""

    state: State | None = None
    metadata: dict[str, Any] | None = None
    version: int = Field(ge=0)
    timestamp: int = Field(description="Epoch seconds")
    clientToken: str | None = None


class ShadowNames(BaseModel):
    results: list[str] = Field(description="Names of the named shadows, sorted", examples=[["config", "fleet"]])
    next_token: str | None = None


class ShadowVersion(BaseModel):
    version: int
    at: datetime | None = Field(description="When it was accepted; null where AWS IoT has not told yet")
    by: str = Field(description='The user who made it; "" where the device did, or another client of AWS IoT')
    document: dict[str, Any] | None = Field(description="state and metadata of that version")
    deleted_at: datetime | None = Field(description="When this version was deleted")
    deleted_by: str


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
    document: dict[str, Any] | None = Field(
        default=None, description="The body of an update", examples=[{"state": {"desired": {"rpm": 900}}}]
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "BatchItem":
        if (self.document is not None) != (self.action == "update"):
            raise ValueError("an update has a document, a get and a delete have none")
        return self


class Batch(BaseModel):
    """Either `items`, or one `document` for every device that a search finds."""

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
    device_id: str = Field(description='As the item has it; "" where it has none')
    name: str
    status: int = Field(description="What a single call would have answered; 408: it was not begun in time", examples=[200])
    answer: ShadowDocument | None = None
    code: str = Field(default="", description="AWS's error code; empty where it went well")
    detail: str = ""


class BatchResult(BaseModel):
    succeeded: int
    failed: int
    results: list[ItemResult] = Field(description="In the items' order")


class Delta(BaseModel):
    """As ``update/delta`` has it."""

    version: int
    timestamp: int
    state: dict[str, Any]
    metadata: dict[str, Any]
