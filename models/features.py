"""What the model sees of a reading: the same function in training, batch and live scoring.

Input are rows of ``features.{contract}``. What is fitted on training rows is added here: operating regimes (k-means on the
settings) and each sensor's z-score within its regime; then the causal statistics of lake.causal over those z-scores, because
those of the table are over raw values, which jump from regime to regime. Row n of a life depends on rows 1 to n alone, so
the rows of a life must be given from its beginning.

Three statistics a sensor: its level (`mean_30`), its trend (`slope_30`), and how far it has come from where the life began
(`moved`: mean_5 less the mean of the first 20). Cross-validated over the engines of FD001 these beat the longer lists that were
tried (more windows, decaying means, deviations, the level at the beginning): what tells one engine from another is learnt by
heart and does not carry over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lake import causal

REGIMES = 6
STATISTICS = ("mean_30", "slope_30", "moved")
# Six clusters that leave this share of the settings' spread are real; noise cut in six leaves more.
_REAL_REGIMES = 0.02
_NOTHING = 1e-9
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """`centers`: regimes by settings, scaled by `scale`. `means` and `deviations`: a row a regime, a column a sensor."""

    settings: tuple[str, ...]
    sensors: tuple[str, ...]
    counter: str
    scale: tuple[float, ...]
    centers: tuple[tuple[float, ...], ...]
    means: tuple[tuple[float, ...], ...]
    deviations: tuple[tuple[float, ...], ...]

    @property
    def columns(self) -> list[str]:
        """Names of the features, in the order of `matrix`."""
        return [*(f"{sensor}_{statistic}" for statistic in STATISTICS for sensor in self.sensors), self.counter]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fitted":
        def nested(value: Any) -> Any:
            return tuple(nested(member) for member in value) if isinstance(value, list) else value

        return cls(**{name: nested(value) for name, value in values.items()})


def fit(rows: pd.DataFrame, settings: Sequence[str], sensors: Sequence[str], counter: str) -> Fitted:
    """Learn regimes and the sensors' scale from training rows. Sensors that move in no regime are left out."""
    raw = rows[list(settings)].to_numpy(float)
    spread = raw.std(axis=0)
    scale = np.where(spread > _NOTHING, spread, 1.0)
    centers = _regimes(raw / scale)
    regime = _nearest(raw / scale, centers)
    values = rows[list(sensors)].to_numpy(float)
    means = np.array([_by_column(np.nanmean, values[regime == r]) for r in range(len(centers))])
    deviations = np.array([_by_column(np.nanstd, values[regime == r]) for r in range(len(centers))])
    # Relative to the value: the deviation of a constant 518.67 is some 1e-11, not 0.
    moves = deviations > _NOTHING * np.maximum(np.abs(means), 1.0)
    kept = moves.any(axis=0)
    names = tuple(name for name, keep in zip(sensors, kept, strict=True) if keep)
    deviations = np.where(moves, deviations, 1.0)
    return Fitted(tuple(settings), names, counter, _tuple(scale), _tuples(centers), _tuples(means[:, kept]), _tuples(deviations[:, kept]))


def matrix(rows: pd.DataFrame, fitted: Fitted) -> pd.DataFrame:
    """Features of each row, in the order of `rows` and with its index; NaN where nothing can be said yet."""
    ordered = rows.reset_index(drop=True).sort_values(["device_id", "life", "reading_number"], kind="stable")
    scores = _z_scores(ordered, fitted)
    begins = (ordered[["device_id", "life"]] != ordered[["device_id", "life"]].shift()).any(axis=1).to_numpy()
    place = np.arange(len(ordered), dtype=np.int64)
    first = np.maximum.accumulate(np.where(begins, place, 0))
    found = causal.statistics(scores, place - first + 1, first)
    moved = found["mean_5"] - (scores - found["from_first_20"])
    blocks = [found["mean_30"], found["slope_30"], moved, ordered[[fitted.counter]].to_numpy(float)]
    features = pd.DataFrame(np.hstack(blocks), columns=fitted.columns, index=ordered.index)
    return features.sort_index().set_axis(rows.index)


def _regimes(scaled: Floats) -> Floats:
    """Six centers where the settings fall into six places, else one."""
    middle = scaled.mean(axis=0, keepdims=True)
    whole = float(((scaled - middle) ** 2).sum())
    if len(np.unique(scaled.round(6), axis=0)) < REGIMES or whole == 0:
        return middle
    # Imported here: a model that predicts does not need them, and they take a second.
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no annotations

    # One thread: the sums of several come in any order, and the centers would differ in their last bits.
    with threadpool_limits(1):
        found = KMeans(REGIMES, n_init=4, random_state=0).fit(scaled)
    return np.asarray(found.cluster_centers_) if found.inertia_ < _REAL_REGIMES * whole else middle


def _nearest(scaled: Floats, centers: Floats) -> NDArray[np.int64]:
    return np.asarray(((scaled[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2).argmin(axis=1), dtype=np.int64)


def _z_scores(rows: pd.DataFrame, fitted: Fitted) -> Floats:
    regime = _nearest(rows[list(fitted.settings)].to_numpy(float) / np.array(fitted.scale), np.array(fitted.centers))
    values = rows[list(fitted.sensors)].to_numpy(float)
    return np.asarray((values - np.array(fitted.means)[regime]) / np.array(fitted.deviations)[regime])


def _by_column(statistic: Any, values: Floats) -> Floats:
    """`statistic` of each column that has a value at all, else 0."""
    there = ~np.isnan(values).all(axis=0)
    result = np.zeros(values.shape[1])
    result[there] = statistic(values[:, there], axis=0)
    return result


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _tuples(values: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(_tuple(row) for row in values)
