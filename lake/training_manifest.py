"""What a training set is known by, so that the same one can be made again."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from runtime.errors import UserError

# The code that a set's values follow from.
_CODE = ("causal.py", "feature_rows.py", "reading_versions.py", "training_set.py")


@dataclass(frozen=True)
class Labels:
    """The event that is foretold, and those after which a device is another one, so that nothing can be said of the row."""

    contract: str = "maintenance"
    field: str = "event"
    event: str = "failure"
    ended_by: tuple[str, ...] = ("replacement",)


@dataclass(frozen=True)
class Counts:
    """Rows of the set, those of them whose event happened, and the readings that were left out, by the reason."""

    rows: int
    positive: int
    horizon_open: int
    ended: int
    withdrawn: int = 0


@dataclass(frozen=True)
class Manifest:
    """`snapshots`: what was read. They need not be there again: silver and its superseded rows hold the same set later."""

    contract: str
    contract_version: int
    as_of: datetime
    horizon: timedelta
    wait: timedelta
    labels: Labels
    columns: tuple[str, ...]
    snapshots: Mapping[str, int]
    code: str
    fingerprint: str
    counts: Counts

    def to_json(self) -> str:
        times = {"as_of": self.as_of.isoformat(), "horizon": self.horizon.total_seconds(), "wait": self.wait.total_seconds()}
        return json.dumps(dataclasses.asdict(self) | times, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Raises UserError for a text that is no manifest."""
        try:
            found: dict[str, Any] = json.loads(text)
            labels = found["labels"] | {"ended_by": tuple(found["labels"]["ended_by"])}
            values = {
                "as_of": datetime.fromisoformat(found["as_of"]),
                "horizon": timedelta(seconds=found["horizon"]),
                "wait": timedelta(seconds=found["wait"]),
                "labels": Labels(**labels),
                "columns": tuple(found["columns"]),
                "counts": Counts(**found["counts"]),
            }
            return cls(**(found | values))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"training set: this is no manifest of one: {error}; give what Manifest.to_json wrote") from None


def code_digest() -> str:
    """SHA-256 over the source of what makes a set's values."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in _CODE)).hexdigest()
