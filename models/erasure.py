"""Model versions whose training data held a device that was erased: marked, and their out-of-fold predictions without it.

The version itself stays: what a model has learnt of many devices cannot be taken out of it. Whoever reads its card is told
that its training set cannot be made again as it was, and may train anew.
"""

import io
import json
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import And, EqualTo

from lake.catalog import open_catalog
from lake.contracts import sound_contracts
from lake.erased_device import Device
from lake.history import load
from lake.stand_in import present
from lake.tables import MODEL_RUNS, features
from models.catalogue import KINDS, ModelKind
from models.registry import Card, Registry
from models.train import note
from runtime.clock import Clock
from runtime.platforms import Platform

ERASED = "erased"


@dataclass(frozen=True)
class Erased:
    """An erasure that touched a version's training set. `rows`: readings of the device that it had been trained on."""

    erasure: str
    rows: int
    at: datetime

    @property
    def sentence(self) -> str:
        return (
            f"erased on {self.at:%Y-%m-%d}: {self.rows} readings of a device are gone from its training set, which cannot be made again as it "
            "was; train anew"
        )


def erasures(platform: Platform, model: str, version: str) -> list[Erased]:
    """The erasures that touched the version's training set, oldest first."""
    try:
        table = open_catalog(platform).load_table(MODEL_RUNS.name)
    except NoSuchTableError:
        return []
    wanted = And(EqualTo("model", model), EqualTo("version", version), EqualTo("state", ERASED))
    rows = sorted(table.scan(row_filter=wanted).to_arrow().to_pylist(), key=lambda row: row["recorded_at"])
    return [Erased(told["erasure"], told["rows"], row["recorded_at"]) for row in rows for told in [json.loads(row["metrics"])]]


def mark(platform: Platform, clock: Clock, device: Device, erasure: str) -> list[str]:
    """Mark the versions that learnt from the device, before it is erased from the tables; which they are. Again marks none twice."""
    marked = []
    for kind, card in _cards(platform):
        rows = max(_rows_of_features(platform, kind, card, device), _rows_out_of_fold(platform, card, device))
        if not rows:
            continue
        if erasure not in {found.erasure for found in erasures(platform, card.model, card.version)}:
            note(platform, clock, card, "erase", ERASED, {"erasure": erasure, "rows": rows})
        marked.append(f"{card.model} {card.version}")
    return marked


def strike(platform: Platform, device: Device) -> int:
    """Write the out-of-fold predictions anew without the device; of how many versions."""
    struck = 0
    for _, card in _cards(platform):
        registry = Registry(platform, card.model)
        known = _out_of_fold(registry, card)
        if known is None or not (known["device_id"] == device.id).any():
            continue
        sink = io.BytesIO()
        known[known["device_id"] != device.id].to_parquet(sink, index=False)
        registry.replace_out_of_fold(card.version, sink.getvalue())
        struck += 1
    return struck


def _cards(platform: Platform) -> list[tuple[ModelKind, Card]]:
    found = []
    for name, kind in KINDS.items():
        registry = Registry(platform, name)
        found += [(kind, registry.card(version)) for version in registry.versions()]
    return found


def _rows_of_features(platform: Platform, kind: ModelKind, card: Card, device: Device) -> int:
    contract = sound_contracts(platform.settings.contracts_folder).named(kind.contract)
    table = load(platform, features(contract).name)
    snapshot = present(table, card.features_snapshot) if table else None
    if table is None or snapshot is None:
        return 0
    return int(table.scan(row_filter=EqualTo("device_id", device.id), snapshot_id=snapshot).count())


def _rows_out_of_fold(platform: Platform, card: Card, device: Device) -> int:
    known = _out_of_fold(Registry(platform, card.model), card)
    return 0 if known is None else int((known["device_id"] == device.id).sum())


def _out_of_fold(registry: Registry, card: Card) -> pd.DataFrame | None:
    content = registry.out_of_fold(card.version)
    return pd.read_parquet(io.BytesIO(content)) if content else None
