"""Remaining useful life of an engine, in cycles: gradient-boosted trees on causal features.

The label of a reading is what is left to the device's next ``failure`` event, its cycle minus the reading's; lives without a
failure yet teach nothing. Labels are capped at 125 cycles in training: before wear shows, nothing in the sensors tells 130
from 200 (Heimes, "Recurrent neural networks for remaining useful life estimation", PHM 2008).

Parameters are chosen by cross-validation over lives, so that no engine is in training and validation at once. The interval
is conformal: the 5 % and 95 % quantiles of the out-of-fold errors among predictions of like size, which assumes nothing of
their distribution and costs no further model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from models.features import Fitted, fit, matrix

CAP = 125.0
SEEDS = (0, 1, 2)
FOLDS = 4
SETTINGS = ("altitude_kft", "mach", "throttle_resolver_angle")
COUNTER = "cycle"
CANDIDATES: tuple[Mapping[str, Any], ...] = (
    {"num_leaves": 15, "min_child_samples": 60, "learning_rate": 0.05, "n_estimators": 180},
    {"num_leaves": 31, "min_child_samples": 40, "learning_rate": 0.05, "n_estimators": 180},
)
# One thread: threads of several processes on two cores wait for each other, and one is bit for bit repeatable.
_SHARED: Mapping[str, Any] = {
    "objective": "regression",
    "colsample_bytree": 0.3,
    "subsample": 0.7,
    "subsample_freq": 1,
    "reg_lambda": 1.0,
    "max_bin": 63,
    "n_jobs": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
_BINS = (0.0, 25.0, 60.0, 100.0, 1e9)
_QUANTILES = (0.05, 0.95)


@dataclass(frozen=True)
class Rul:
    """A trained model. `interval`: for predictions in each bin, the quantiles of (true - predicted)."""

    fitted: Fitted
    columns: tuple[str, ...]
    boosters: tuple[str, ...]
    interval: tuple[tuple[float, float], ...]

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`score`, `lower`, `upper` in cycles for rows of features.turbofan that begin with their lives."""
        features = matrix(rows, self.fitted)[list(self.columns)]
        score = np.mean([lgb.Booster(model_str=text).predict(features, num_threads=1) for text in self.boosters], axis=0)
        return with_interval(pd.Series(np.clip(score, 0.0, CAP), index=rows.index), self.interval)

    def to_json(self) -> bytes:
        document = {"fitted": self.fitted.as_json(), "columns": self.columns, "boosters": self.boosters, "interval": self.interval}
        return json.dumps(document, sort_keys=True).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Rul":
        document = json.loads(content)
        return cls(
            Fitted.from_json(document["fitted"]),
            tuple(document["columns"]),
            tuple(document["boosters"]),
            tuple((low, high) for low, high in document["interval"]),
        )


@dataclass(frozen=True)
class Trained:
    model: Rul
    params: dict[str, Any]
    metrics: dict[str, float]
    importance: dict[str, float]
    # Out-of-fold predictions of the training rows: device_id, life, at, rul, score.
    out_of_fold: pd.DataFrame


def label(rows: pd.DataFrame, failures: pd.DataFrame) -> pd.DataFrame:
    """`rows` whose life ended in a known failure, with `rul`: cycles left to it.

    `failures` has device_id, event_time, cycle. A reading's failure is the first of its device at or after it, and must
    belong to its life: its cycle is not below the reading's, and no other life of the device begins before it.
    """
    events = failures[["device_id", "event_time", "cycle"]].rename(columns={"event_time": "failed_at", "cycle": "failed_cycle"})
    ordered = rows.sort_values("at", kind="stable")
    joined = pd.merge_asof(
        ordered, events.sort_values("failed_at"), left_on="at", right_on="failed_at", by="device_id", direction="forward"
    )
    last = joined.groupby(["device_id", "life"])["at"].transform("max")
    belongs = joined["failed_at"].notna() & (joined["failed_cycle"] >= joined[COUNTER]) & (last <= joined["failed_at"])
    labelled = joined[belongs].copy()
    labelled["rul"] = labelled["failed_cycle"] - labelled[COUNTER]
    return labelled.sort_values(["device_id", "life", "reading_number"], kind="stable").reset_index(drop=True)


def train(labelled: pd.DataFrame, sensors: tuple[str, ...], seeds: tuple[int, ...] = SEEDS) -> Trained:
    """Choose parameters by cross-validation over lives, then fit on all of them. The same rows give the same model."""
    fitted = fit(labelled, SETTINGS, sensors, COUNTER)
    features = matrix(labelled, fitted)
    target = labelled["rul"].clip(upper=CAP).to_numpy(float)
    lives = labelled.groupby(["device_id", "life"], sort=False).ngroup().to_numpy()
    tried = [(params, _out_of_fold(features, target, lives, params)) for params in CANDIDATES]
    params, out_of_fold = min(tried, key=lambda pair: rmse(pair[1], target))
    models = [_fit(features, target, params, seed) for seed in seeds]
    interval = _interval(out_of_fold, target)
    found = labelled[["device_id", "life", "at", "rul"]].assign(score=out_of_fold)
    gain = np.mean([model.booster_.feature_importance("gain") for model in models], axis=0)
    importance = dict(sorted(zip(features.columns, (gain / gain.sum()).round(6).tolist(), strict=True), key=lambda item: -item[1]))
    last = found.groupby(["device_id", "life"]).tail(1)
    metrics = {
        "cv_rmse_capped": rmse(out_of_fold, target),
        "cv_rmse_raw": rmse(out_of_fold, labelled["rul"].to_numpy(float)),
        "cv_rmse_last_30": rmse(*_last_cycles(found)),
        "interval_coverage": _coverage(out_of_fold, target, interval),
        "lives": float(lives.max() + 1),
        "rows": float(len(labelled)),
        "failures": float(len(last)),
    }
    boosters = tuple(model.booster_.model_to_string() for model in models)
    return Trained(Rul(fitted, tuple(features.columns), boosters, interval), dict(params), metrics, importance, found)


def rmse(predicted: Any, true: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(predicted) - np.asarray(true)) ** 2)))


def with_interval(score: pd.Series, interval: tuple[tuple[float, float], ...]) -> pd.DataFrame:
    which = np.clip(np.digitize(score, _BINS[1:-1]), 0, len(interval) - 1)
    low, high = np.array(interval).T
    lower, upper = np.clip(score + low[which], 0.0, None), np.clip(score + high[which], 0.0, None)
    return pd.DataFrame({"score": score, "lower": lower, "upper": upper}, index=score.index)


def _fit(features: pd.DataFrame, target: Any, params: Mapping[str, Any], seed: int) -> lgb.LGBMRegressor:
    return lgb.LGBMRegressor(**_SHARED, **params, random_state=seed).fit(features, target)


def _out_of_fold(features: pd.DataFrame, target: Any, lives: Any, params: Mapping[str, Any]) -> Any:
    predicted = np.zeros(len(target))
    for learn, check in GroupKFold(min(FOLDS, len(np.unique(lives)))).split(features, target, lives):
        predicted[check] = _fit(features.iloc[learn], target[learn], params, 0).predict(features.iloc[check])
    return np.clip(predicted, 0.0, CAP)


def _interval(predicted: Any, target: Any) -> tuple[tuple[float, float], ...]:
    which = np.digitize(predicted, _BINS[1:-1])
    whole = np.quantile(target - predicted, _QUANTILES)
    bins = (np.quantile((target - predicted)[which == b], _QUANTILES) if (which == b).sum() >= 20 else whole for b in range(len(_BINS) - 1))
    return tuple((float(low), float(high)) for low, high in bins)


def _coverage(predicted: Any, target: Any, interval: tuple[tuple[float, float], ...]) -> float:
    ends = with_interval(pd.Series(predicted), interval)
    return float(((target >= ends["lower"]) & (target <= ends["upper"])).mean())


def _last_cycles(found: pd.DataFrame) -> tuple[Any, Any]:
    near = found[found["rul"] <= 30]
    return near["score"], near["rul"]
