"""Remaining useful life of an engine, in cycles: gradient-boosted trees on causal features.

Labels are capped at 125 cycles in training: before wear shows, nothing in the sensors tells 130 from 200 (Heimes, "Recurrent
neural networks for remaining useful life estimation", PHM 2008); so no prediction is above that. Lives without a failure yet
teach nothing.

The number of leaves and of trees are chosen by cross-validation over engine lives, so that no engine is in training and
validation at once; a test set never chooses anything. (The features' regimes and scales, which see no label, are fitted once
on all training rows.) The model is the mean of three seeds, fitted on all of them.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.features import Fitted, fit, matrix
from models.interval import Interval, around, coverage, learn
from models.labels import COUNTER, LIFE
from runtime.errors import JobError

if TYPE_CHECKING:
    import lightgbm as lgb

CAP = 125.0
SEEDS = (0, 1, 2)
FOLDS = 4
SETTINGS = ("altitude_kft", "mach", "throttle_resolver_angle")
LEAVES = (7, 15)
ROUNDS = (50, 100, 200, 400, 600, 800)
# Neighbouring readings of an engine say nearly the same: on FD001 every third row gives the cross-validated error of all.
MAX_ROWS = 12_000
# One thread a fit, two fits at a time: trees in threads wait for each other at every split (ten times slower on a busy
# machine), and one thread is bit for bit repeatable.
_SHARED: Mapping[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.1,
    "feature_fraction": 0.3,
    "min_data_in_leaf": 50,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
_AT_ONCE = 2
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rul:
    """A trained model."""

    fitted: Fitted
    boosters: tuple[str, ...]
    interval: Interval

    @property
    def columns(self) -> list[str]:
        return self.fitted.columns

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`score`, `lower`, `upper` in cycles for rows of features.turbofan, whose lives must be given from their beginning."""
        features = matrix(rows, self.fitted).to_numpy()
        score = np.mean([booster.predict(features, num_threads=1) for booster in self._loaded], axis=0)
        return around(pd.Series(np.clip(score, 0.0, CAP), index=rows.index), self.interval)

    @cached_property
    def _loaded(self) -> "list[lgb.Booster]":
        # Imported here, as below: it brings scikit-learn, and a report or an evaluation needs no more of this module than CAP.
        import lightgbm as lgb

        return [lgb.Booster(model_str=text) for text in self.boosters]

    def to_json(self) -> bytes:
        document = {"fitted": self.fitted.as_json(), "columns": self.columns, "boosters": self.boosters, "interval": self.interval}
        return json.dumps(document, sort_keys=True).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Rul":
        """Raises JobError for a model whose features this code does not make: its trees would read the wrong ones."""
        document = json.loads(content)
        fitted = Fitted.from_json(document["fitted"])
        if fitted.columns != document["columns"]:
            raise JobError("load a model of remaining useful life: it was trained on other features than this code makes; train it again")
        interval = tuple((low, high) for low, high in document["interval"])
        return cls(fitted, tuple(document["boosters"]), interval)


@dataclass(frozen=True)
class Trained:
    """`importance`: share of the gain by feature, greatest first. `out_of_fold`: device_id, failed_at, at, rul, score."""

    model: Rul
    params: dict[str, Any]
    metrics: dict[str, float]
    importance: dict[str, float]
    out_of_fold: pd.DataFrame


@dataclass(frozen=True)
class _Choice:
    leaves: int
    rounds: int
    predicted: Floats
    folds: NDArray[np.int64]


def train(labelled: pd.DataFrame, sensors: tuple[str, ...], seeds: tuple[int, ...] = SEEDS) -> Trained:
    """Choose parameters by cross-validation over lives, then fit on all of them. The same rows give the same model.

    `labelled` are the rows that `models.labels.label` gives, of at least two engines.
    """
    fitted = fit(labelled, SETTINGS, [name for name in sensors if name not in SETTINGS], COUNTER)
    features, target = matrix(labelled, fitted).to_numpy(), labelled["rul"].clip(upper=CAP).to_numpy(float)
    chosen = _choose(features, target, labelled.groupby(LIFE, sort=False).ngroup().to_numpy())
    thin = _thinned(np.arange(len(target)))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        fits = [pool.submit(_fit, features[thin], target[thin], chosen.leaves, chosen.rounds, seed) for seed in seeds]
        boosters = [fit.result() for fit in fits]
    model = Rul(fitted, tuple(booster.model_to_string() for booster in boosters), learn(chosen.predicted, target))
    out_of_fold = labelled[[*LIFE, "at", "rul"]].assign(score=chosen.predicted)
    params = {**_SHARED, "num_leaves": chosen.leaves, "rounds": chosen.rounds, "seeds": list(seeds), "folds": FOLDS, "cap": CAP}
    return Trained(model, params, _metrics(out_of_fold, chosen), _importance(boosters, fitted.columns), out_of_fold)


def rmse(predicted: Any, true: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(predicted) - np.asarray(true)) ** 2)))


def _choose(features: Floats, target: Floats, lives: NDArray[np.int64]) -> _Choice:
    """The leaves and rounds whose out-of-fold predictions have the least error over all rows."""
    from sklearn.model_selection import GroupKFold

    splits = list(GroupKFold(min(FOLDS, len(np.unique(lives)))).split(features, target, lives))
    folds = np.zeros(len(target), dtype=np.int64)
    for fold, (_, held) in enumerate(splits):
        folds[held] = fold
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        parts = {leaves: [pool.submit(_held_out, features, target, learnt, held, leaves) for learnt, held in splits] for leaves in LEAVES}
    tried = []
    for leaves, of_folds in parts.items():
        predicted = np.zeros((len(ROUNDS), len(target)))
        for (_, held), part in zip(splits, of_folds, strict=True):
            predicted[:, held] = part.result()
        tried += [_Choice(leaves, rounds, row, folds) for rounds, row in zip(ROUNDS, predicted, strict=True)]
    return min(tried, key=lambda choice: rmse(choice.predicted, target))


def _held_out(features: Floats, target: Floats, learnt: Any, held: Any, leaves: int) -> Floats:
    """Predictions of the held rows after each number of rounds: a row for each of ROUNDS."""
    thin = _thinned(learnt)
    booster = _fit(features[thin], target[thin], leaves, ROUNDS[-1], SEEDS[0])
    starts = (0, *ROUNDS[:-1])
    steps = [
        booster.predict(features[held], start_iteration=start, num_iteration=end - start, num_threads=1)
        for start, end in zip(starts, ROUNDS, strict=True)
    ]
    return np.clip(np.cumsum(steps, axis=0), 0.0, CAP)


def _fit(features: Floats, target: Floats, leaves: int, rounds: int, seed: int) -> "lgb.Booster":
    import lightgbm as lgb

    params = {**_SHARED, "num_leaves": leaves, "seed": seed}
    return lgb.train(params, lgb.Dataset(features, target, params={"max_bin": _SHARED["max_bin"], "verbosity": -1}), rounds)


def _thinned(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[:: -(-len(rows) // MAX_ROWS)]


def _metrics(out_of_fold: pd.DataFrame, chosen: _Choice) -> dict[str, float]:
    true = out_of_fold["rul"].to_numpy(float)
    target, near = np.minimum(true, CAP), true <= 30
    lives = float(out_of_fold.groupby(LIFE).ngroups)
    return {
        "cv_rmse_capped": rmse(chosen.predicted, target),
        "cv_rmse_raw": rmse(chosen.predicted, true),
        "cv_rmse_last_30": rmse(chosen.predicted[near], true[near]),
        "interval_coverage": coverage(chosen.predicted, target, chosen.folds),
        "lives": lives,
        "rows": float(len(true)),
        "failures": lives,
    }


def _importance(boosters: "list[lgb.Booster]", columns: list[str]) -> dict[str, float]:
    gain = np.sum([booster.feature_importance("gain") for booster in boosters], axis=0)
    shares = (gain / max(gain.sum(), 1e-12)).round(6).tolist()
    return dict(sorted(zip(columns, shares, strict=True), key=lambda item: -item[1]))
