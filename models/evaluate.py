"""How good the predictions were: measured in the tables, on what the model could not know.

A prediction counts only if its publication precedes the publication of the failure it is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from lake import history, query
from models.catalogue import ModelKind
from models.data import failures, replacements
from models.labels import COUNTER, LIFE, label
from models.rul import CAP, rmse
from runtime.platforms import Platform

NO_ERRORS_YET = "no failure was published after its engine was scored: its errors are not known yet"


@dataclass(frozen=True)
class Evaluation:
    """`last`: the last prediction of each engine's life that counted, with `rul`, `score`, `lower`, `upper`. Errors in cycles."""

    version: str
    all_predictions: int
    engines: int
    rmse_capped: float | None
    rmse_raw: float | None
    coverage: float | None
    last: pd.DataFrame

    def figures(self) -> dict[str, Any]:
        figures = vars(self).copy()
        del figures["last"]
        return figures


def evaluate(platform: Platform, kind: ModelKind, version: str) -> Evaluation:
    """The version's errors over the last prediction of each engine that has failed since."""
    judged = judged_predictions(platform, kind, version)
    last = judged.sort_values("at").groupby(LIFE).tail(1).reset_index(drop=True)
    if last.empty:
        return Evaluation(version, 0, 0, None, None, None, last)
    capped = last["rul"].clip(upper=CAP)
    inside = (capped >= last["lower"]) & (capped <= last["upper"])
    return Evaluation(
        version,
        len(judged),
        len(last),
        rmse(last["score"].clip(upper=CAP), capped),
        rmse(last["score"], last["rul"]),
        float(inside.mean()),
        last,
    )


def judged_predictions(platform: Platform, kind: ModelKind, version: str) -> pd.DataFrame:
    """Predictions that were published before the failure they are about, with the true `rul` at their time."""
    # Two readings of one device at one time share a prediction.
    text = (
        f'SELECT p.device_id, p."at", p.score, p.lower, p.upper, p.run_id, min(f.{COUNTER}) AS {COUNTER} '  # noqa: S608 - names are ours
        f'FROM gold.predictions p JOIN features.{kind.contract} f ON f.device_id = p.device_id AND f."at" = p."at" '
        'WHERE p.contract = ? AND p.model = ? AND p.version = ? GROUP BY p.device_id, p."at", p.score, p.lower, p.upper, p.run_id'
    )
    predicted = query.sql(text, platform=platform, parameters=[kind.contract, kind.name, version]).pandas()
    failed = failures(platform, kind)
    labelled = label(predicted, failed, replacements(platform, kind))
    published = _when(labelled["run_id"], history.known_at(platform, "gold.predictions"))
    told = labelled.merge(_first_told(platform, kind, failed), on=LIFE, how="left")["told"]
    judged = labelled[published < told]
    return judged[[*LIFE, "at", "score", "lower", "upper", "rul"]].reset_index(drop=True)


def _first_told(platform: Platform, kind: ModelKind, failed: pd.DataFrame) -> pd.DataFrame:
    """When each failure became known, `told`; one that was sent twice, the first time."""
    told = _when(failed["run_id"], history.known_at(platform, f"silver.{kind.events}"))
    return failed.rename(columns={"event_time": "failed_at"}).assign(told=told).groupby(LIFE, as_index=False)["told"].min()


def _when(runs: pd.Series, known_at: Mapping[str, datetime]) -> pd.Series:
    # An empty column has no type of its own that could be compared with a time.
    return pd.to_datetime(runs.map(known_at), utc=True)


def soonest(platform: Platform, kind: ModelKind, version: str, count: int = 5) -> pd.DataFrame:
    """The engines most likely to fail next: the newest prediction of each that has not failed since, lowest first."""
    text = (
        'SELECT device_id, max(p."at") AS "at", max_by(score, p."at") AS score, max_by(lower, p."at") AS lower, max_by(upper, p."at") AS upper, '
        'max_by(label, p."at") AS label FROM gold.predictions p WHERE contract = ? AND model = ? AND version = ? GROUP BY device_id'
    )
    newest = query.sql(text, platform=platform, parameters=[kind.contract, kind.name, version]).pandas()
    failed = failures(platform, kind).groupby("device_id")["event_time"].max()
    still = newest[~(_when(newest["device_id"], failed) >= newest["at"])]
    return still.sort_values("score").head(count).reset_index(drop=True)
