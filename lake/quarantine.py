"""Quarantined readings and how they are put: with bytes, envelope and reason, so that they can be replayed."""

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from lake.identity import quarantine_id
from lake.layout import UNKNOWN_CONTRACT, quarantine_object
from lake.objects import put_once
from lake.reasons import Reason
from lake.schemas import arrow_schema
from lake.tables import quarantine
from runtime.platforms import Platform


@dataclass(frozen=True)
class Quarantined:
    """A refused reading. `content` is its own bytes, or the whole message where `index` is None."""

    contract: str
    device_id: str
    topic: str
    content: bytes
    index: int | None
    reason: Reason
    detail: str
    origin: str = "decode"
    received_at: datetime | None = None
    principal: str | None = None
    client_id: str | None = None
    trace_id: str | None = None
    boot: str | None = None
    event_id: str | None = None

    @property
    def quarantine_id(self) -> str:
        return quarantine_id(self.topic, self.content, self.index)


def put_quarantined(platform: Platform, rows: Iterable[Quarantined], put_at: datetime, known: Iterable[str]) -> int:
    """Put `rows`, an object for each contract and reason; how many objects were new.

    A contract that is not among `known` goes to ``_unknown``: no name from a topic becomes a path.
    """
    groups: dict[tuple[str, Reason], list[Quarantined]] = defaultdict(list)
    contracts = set(known)
    for row in rows:
        groups[row.contract if row.contract in contracts else UNKNOWN_CONTRACT, row.reason].append(row)
    made = 0
    for (contract, reason), members in groups.items():
        key = quarantine_object(contract, put_at, reason.value, _digest(members))
        made += put_once(platform, key, _parquet(members))
    return made


def _digest(rows: Iterable[Quarantined]) -> str:
    return hashlib.sha256("\n".join(sorted({row.quarantine_id for row in rows})).encode()).hexdigest()


def _parquet(rows: list[Quarantined]) -> bytes:
    values = [asdict(row) | {"quarantine_id": row.quarantine_id, "bytes": row.content, "reason": row.reason.value} for row in rows]
    for value in values:
        del value["content"]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(values, schema=arrow_schema(quarantine(UNKNOWN_CONTRACT))), sink, compression="zstd")
    return sink.getvalue()
