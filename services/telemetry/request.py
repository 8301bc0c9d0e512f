"""What a request for readings asks for, checked against the contracts: names that are unknown are answered with those there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lake.contracts import Contract
from services.problems import Invalid
from services.telemetry.moments import moment_of, width_of

_DEFAULT_SPAN = timedelta(days=1)
_MOST_POINTS = 1_000


class Kind(StrEnum):
    LATEST = "latest"
    RANGE = "range"
    BINS = "bins"


class TelemetryQuery(BaseModel):
    """The query string."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: Annotated[Kind, Field(description="the newest reading, readings of a range, or statistics of a range's bins")] = Kind.LATEST
    contract: Annotated[
        str | None, Field(max_length=80, description="the kind of telemetry; without it, latest of all", examples=["turbofan"])
    ] = None
    fields: Annotated[
        str | None, Field(max_length=4_000, description="values wanted, with commas; without it all", examples=["fuel_flow_ratio"])
    ] = None
    start: Annotated[
        str | None,
        Field(alias="from", max_length=40, description="first moment, ISO 8601 with a zone or epoch ms; a day before `to` by default"),
    ] = None
    to: Annotated[str | None, Field(max_length=40, description="end, which is not included; now by default")] = None
    bin: Annotated[str | None, Field(max_length=12, description="width of bins: 90s, 5m, 1h, 1d", examples=["1h"])] = None
    limit: Annotated[int, Field(ge=1, le=_MOST_POINTS, description="readings or bins of a page")] = 100
    next_token: Annotated[str | None, Field(max_length=2_000, description="of the page before")] = None


@dataclass(frozen=True)
class Asked:
    """A checked request. `width_seconds` is 0 but for bins; `start` and `end` of the latest say nothing."""

    kind: Kind
    contracts: Sequence[Contract]
    fields: tuple[str, ...]
    start: datetime
    end: datetime
    width_seconds: int
    limit: int


def checked(query: TelemetryQuery, contracts: Mapping[str, Contract], now: datetime) -> Asked:
    """Raises Invalid for what cannot be asked, or does not go together."""
    _check_together(query)
    chosen = [_contract(contracts, query.contract)] if query.contract is not None else list(contracts.values())
    end = moment_of("to", query.to) if query.to is not None else now
    start = moment_of("from", query.start) if query.start is not None else end - _DEFAULT_SPAN
    if start >= end:
        raise Invalid("from is not before to; a range includes its start and excludes its end")
    width = width_of(query.bin) if query.bin is not None else 0
    return Asked(query.kind, chosen, _fields(query, chosen), start, end, width, query.limit)


def _check_together(query: TelemetryQuery) -> None:
    ranged = ("start", "to", "next_token")
    if query.kind is Kind.LATEST and (given := next((name for name in (*ranged, "bin") if getattr(query, name) is not None), None)):
        raise Invalid(f"{'from' if given == 'start' else given} is not for kind=latest; ask with kind=range or kind=bins")
    if query.kind is not Kind.LATEST and query.contract is None:
        raise Invalid(f"kind={query.kind} needs a contract: one kind of telemetry at a time")
    if (query.kind is Kind.BINS) != (query.bin is not None):
        raise Invalid("kind=bins needs bin, such as 1h" if query.kind is Kind.BINS else "bin is for kind=bins")


def _contract(contracts: Mapping[str, Contract], name: str) -> Contract:
    if name not in contracts:
        raise Invalid(f"contract {name!r}: there is none; there are {', '.join(contracts) or 'none at all'}")
    return contracts[name]


def _fields(query: TelemetryQuery, contracts: Sequence[Contract]) -> tuple[str, ...]:
    every = {field.name: field for contract in contracts for field in contract.fields}
    if query.kind is Kind.BINS:
        every = {name: field for name, field in every.items() if field.is_number}
    if query.fields is None:
        return tuple(every)
    names = tuple(dict.fromkeys(name.strip() for name in query.fields.split(",") if name.strip()))
    if not names:
        raise Invalid("fields names nothing; leave it out for all")
    if unknown := [name for name in names if name not in every]:
        what = "numbers, of which bins are made," if query.kind is Kind.BINS else "fields"
        raise Invalid(f"fields {', '.join(unknown)[:200]}: there is no such; the {what} are {', '.join(every)}")
    return names
