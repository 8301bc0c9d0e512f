"""How a payload is written down, and what must become of it."""

import hashlib
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import rfc8785

from lake.contracts import Contracts, load_contracts

# 2026-09-21T16:01:00Z; the message arrives an hour later, and clocks may be 15 minutes ahead of that.
NOON_MS = 1_790_006_460_000
ARRIVED_MS = NOON_MS + 3_600_000
FUTURE_SECONDS = 900.0
LATEST_MS = ARRIVED_MS + 900_000
DEVICE = "b-1"
MAX_BYTES = 102_400
MAX_READINGS = 250

KILN = """
contract: kiln
version: 1
kind: measurement
description: Kilns; what is not known is kept.
cadence_seconds: 60
fields:
  water: {type: float64, unit: degC, min: 0, max: 120, required: true}
  drift: {type: float64, unit: "1"}
  starts: {type: int64, unit: "1", min: 0}
  shift: {type: int64, unit: "1"}
  level: {type: int64, unit: "1", min: -5, max: 5}
  burning: {type: bool}
  mode: {type: string, enum: [eco, full]}
  note: {type: string, max_length: 5}
"""
VAULT = """
contract: vault
version: 1
kind: measurement
description: Vaults; what is not known is quarantined.
cadence_seconds: 60
unknown_fields: quarantine
fields:
  doors: {type: int64, unit: "1", min: 0, max: 9, required: true}
  shut: {type: bool, required: true}
  label: {type: string, required: true}
  grams: {type: float64, unit: g, required: true}
  hint: {type: string}
"""
FIELDS = {
    "kiln": ("water", "drift", "starts", "shift", "level", "burning", "mode", "note"),
    "vault": ("doors", "shut", "label", "grams", "hint"),
}


@dataclass(frozen=True)
class Hostile:
    """A reading's bytes that are one piece between the commas of a pack. `alone`: the reason, where it is another without a pack."""

    reason: str
    content: bytes
    alone: str | None = None
    contract: str = "kiln"


@dataclass(frozen=True)
class Whole:
    """A message that is refused as a whole."""

    reason: str
    payload: bytes
    contract: str = "kiln"


@dataclass(frozen=True)
class Sound:
    """A reading that must be taken: its bytes, what they say as JSON, and the row. Fields that `values` does not name are null."""

    content: bytes
    document: dict[str, Any]
    values: dict[str, Any]
    ts_ms: int = NOON_MS
    seq: int | None = 7
    boot: str | None = None
    extra: str | None = None
    contract: str = "kiln"
    _made: dict[str | None, "Row"] = field(default_factory=dict, compare=False, repr=False)

    def row(self, head_boot: str | None) -> "Row":
        if head_boot not in self._made:
            self._made[head_boot] = self._row(head_boot)
        return self._made[head_boot]

    def _row(self, head_boot: str | None) -> "Row":
        boot = self.boot if self.boot is not None else head_boot
        canonical = rfc8785.dumps(_spelt_exactly(self.document))
        values = dict.fromkeys(FIELDS[self.contract]) | self.values | {"_extra": self.extra}
        return Row(self._identity(boot, canonical), self.ts_ms, boot, self.seq, values)

    def _identity(self, boot: str | None, canonical: bytes) -> str:
        parts = [DEVICE, self.contract]
        if boot is None or self.seq is None:
            content = "\x1f".join([*parts, ""]).encode() + canonical
        else:
            content = "\x1f".join([*parts, str(self.ts_ms), boot, str(self.seq)]).encode()
        return hashlib.sha256(content).hexdigest()[:32]


@dataclass(frozen=True)
class Row:
    """What a row of bronze says of one reading."""

    event_id: str
    ts_ms: int
    boot: str | None
    seq: int | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """What a quarantined row says; the index is None where its content is the whole message."""

    reason: str
    content: bytes
    index: int | None = None


@dataclass(frozen=True)
class Payload:
    """A message and all that must become of it. `label` says what was made of what, for the one who reads a failure."""

    content: bytes
    contract: str
    rows: tuple[Row, ...] = ()
    refused: tuple[Refusal, ...] = ()
    label: str = field(default="", compare=False)


def spelt(**members: str | None) -> bytes:
    """A sound reading of a kiln, but for `members` as they are spelt here; one given as None is left out."""
    return _spelt({"ts": "1790006460000", "seq": "7", "water": "61.5"}, members)


def vault(**members: str | None) -> bytes:
    """The same of a vault, which knows no other fields."""
    base = {"ts": "1790006460000", "seq": "7", "doors": "2", "shut": "true", "label": '"a"', "grams": "1.5"}
    return _spelt(base, members)


def _spelt(base: dict[str, str], members: dict[str, str | None]) -> bytes:
    kept = {name: value for name, value in (dict[str, str | None](base) | members).items() if value is not None}
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in kept.items()) + "}").encode(errors="surrogatepass")


def after(raw: str | bytes) -> bytes:
    """A sound reading with more members after it, spelt as they are."""
    return spelt()[:-1] + b", " + (raw.encode() if isinstance(raw, str) else raw) + b"}"


@lru_cache(maxsize=1)
def contracts() -> Contracts:
    with tempfile.TemporaryDirectory(prefix="fleetlake-hostile-") as folder:
        for name, text in (("kiln", KILN), ("vault", VAULT)):
            (Path(folder) / f"{name}.yaml").write_text(text)
        return load_contracts(Path(folder))


def _spelt_exactly(value: Any) -> Any:
    """Whole numbers that RFC 8785 cannot hold stand in the canonical form as texts."""
    if isinstance(value, dict):
        return {key: _spelt_exactly(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_spelt_exactly(member) for member in value]
    return str(value) if type(value) is int and abs(value) >= 2**53 else value
