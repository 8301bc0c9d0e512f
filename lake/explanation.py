"""What a query would read, as `lake.query.explain` tells it."""

from dataclasses import dataclass
from datetime import datetime

from lake.scan import Scan


@dataclass(frozen=True)
class Explanation:
    """`scans`: what is read of each table. `plan`: the engine's own words for what it does with it."""

    scans: tuple[Scan, ...]
    plan: str
    as_of: datetime | None = None
