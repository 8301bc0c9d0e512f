"""How good the predictions were: measured in the tables, on what the model could not know.

A prediction counts only if its publication precedes the publication of the failure it is about.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from lake import history, query
from models.catalogue import ModelKind
from models.data import failures
from models.rul import CAP, COUNTER, label, rmse
from runtime.platforms import Platform


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
    last = judged.sort_values("at").groupby(["device_id", "life"]).tail(1).reset_index(drop=True)
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
    columns = ["device_id", "at", "score", "lower", "upper", "life", "rul"]
    if history.load(platform, "gold.predictions") is None or history.load(platform, f"features.{kind.contract}") is None:
        return pd.DataFrame(columns=columns)
    text = (
        f"SELECT p.device_id, p.at, p.score, p.lower, p.upper, p.run_id, f.life, f.reading_number, f.{COUNTER} "  # noqa: S608 - ours
        f"FROM gold.predictions p JOIN features.{kind.contract} f ON f.device_id = p.device_id AND f.at = p.at "
        "WHERE p.contract = ? AND p.model = ? AND p.version = ?"
    )
    predicted = query.sql(text, platform=platform, parameters=[kind.contract, kind.name, version]).pandas()
    events = failures(platform, kind)
    if predicted.empty or events.empty:
        return pd.DataFrame(columns=columns)
    labelled = label(predicted, events).merge(
        events.rename(columns={"event_time": "failed_at", "run_id": "failure_run"})[["device_id", "failed_at", "failure_run"]],
        on=["device_id", "failed_at"],
    )
    published = labelled["run_id"].map(history.known_at(platform, "gold.predictions"))
    told = labelled["failure_run"].map(history.known_at(platform, f"silver.{kind.events}"))
    return labelled[published < told][columns].reset_index(drop=True)


def soonest(platform: Platform, kind: ModelKind, version: str, count: int = 5) -> pd.DataFrame:
    """The engines most likely to fail next: the newest prediction of each that has not failed since, lowest first."""
    if history.load(platform, "gold.predictions") is None:
        return pd.DataFrame(columns=["device_id", "at", "score", "lower", "upper", "label"])
    text = (
        "SELECT device_id, max(at) AS at, arg_max(score, at) AS score, arg_max(lower, at) AS lower, arg_max(upper, at) AS upper, "
        "arg_max(label, at) AS label FROM gold.predictions WHERE contract = ? AND model = ? AND version = ? GROUP BY device_id"
    )
    newest = query.sql(text, platform=platform, parameters=[kind.contract, kind.name, version]).pandas()
    failed = failures(platform, kind).groupby("device_id")["event_time"].max()
    still = newest[~(newest["device_id"].map(failed) >= newest["at"])]
    return still.sort_values("score").head(count).reset_index(drop=True)
