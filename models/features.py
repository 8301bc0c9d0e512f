"""What the model sees of a reading: the same function in training, batch and live scoring.

Input are rows of ``features.{contract}``: values and causal statistics that nothing was fitted for. Added here is what is
fitted on training rows: operating regimes (k-means on the settings), each sensor's z-score within its regime, and causal
statistics of those over the device's life. Row n of a life depends on rows 1 to n alone, so the rows of a life must be given
from its beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from lake.tables import FEATURE_STATISTICS

REGIMES = 6
WINDOWS = (5, 10, 20, 30)
DECAYS = (0.05, 0.1)
FIRST = 20
# Six clusters that leave this share of the settings' spread are real; noise cut in six leaves more.
_REAL_REGIMES = 0.02
_LIFE = ["device_id", "life"]


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

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fitted":
        def nested(value: Any) -> Any:
            return tuple(nested(member) for member in value) if isinstance(value, list) else value

        return cls(**{name: nested(value) for name, value in values.items()})


def fit(rows: pd.DataFrame, settings: Sequence[str], sensors: Sequence[str], counter: str) -> Fitted:
    """Learn regimes and the sensors' scale from training rows. Sensors that never move are left out."""
    moving = tuple(name for name in sensors if float(rows[name].std()) > 1e-9)
    raw = rows[list(settings)].to_numpy(float)
    spread = raw.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    centers = _regimes(raw / scale)
    regime = _nearest(raw / scale, centers)
    values = rows[list(moving)].to_numpy(float)
    means = np.array([np.nanmean(values[regime == r], axis=0) for r in range(len(centers))])
    deviations = np.array([np.nanstd(values[regime == r], axis=0) for r in range(len(centers))])
    deviations = np.where(deviations > 1e-9, deviations, 1.0)
    return Fitted(tuple(settings), moving, counter, _tuple(scale), _tuples(centers), _tuples(means), _tuples(deviations))


def matrix(rows: pd.DataFrame, fitted: Fitted) -> pd.DataFrame:
    """Features of each row, in the order of `rows` and with its index; float32."""
    ordered = rows.sort_values(["device_id", "life", "reading_number"], kind="stable")
    scores = pd.DataFrame(_z_scores(ordered, fitted), columns=[f"{name}_z" for name in fitted.sensors], index=ordered.index)
    groups = [ordered[name] for name in _LIFE]
    by_life = scores.groupby(groups, sort=False)
    first = _mean_of_first(scores, groups, ordered["reading_number"])
    parts = [scores, *(_suffixed(_rolling_mean(by_life, window), f"_mean_{window}") for window in WINDOWS)]
    parts += [_suffixed(_plain(by_life.ewm(alpha=decay).mean()), f"_ewma_{decay:g}") for decay in DECAYS]
    parts.append(_suffixed(_rolling_mean(by_life, 10) - first, "_from_first"))
    kept = [f"{name}_{statistic}" for name in fitted.sensors for statistic in FEATURE_STATISTICS if statistic in ("std_30", "slope_30")]
    parts.append(ordered[[fitted.counter, *kept]])
    return pd.concat(parts, axis=1).astype(np.float32).loc[rows.index]


def _regimes(scaled: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Six centers where the settings fall into six places, else one."""
    whole = float(((scaled - scaled.mean(axis=0)) ** 2).sum())
    distinct = len(np.unique(scaled.round(6), axis=0))
    if distinct < REGIMES or whole == 0:
        return scaled.mean(axis=0, keepdims=True)
    found = KMeans(REGIMES, n_init=4, random_state=0).fit(scaled)
    return np.asarray(found.cluster_centers_) if found.inertia_ < _REAL_REGIMES * whole else scaled.mean(axis=0, keepdims=True)


def _nearest(scaled: Any, centers: Any) -> Any:
    return ((scaled[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)


def _z_scores(rows: pd.DataFrame, fitted: Fitted) -> Any:
    regime = _nearest(rows[list(fitted.settings)].to_numpy(float) / np.array(fitted.scale), np.array(fitted.centers))
    values = rows[list(fitted.sensors)].to_numpy(float)
    return (values - np.array(fitted.means)[regime]) / np.array(fitted.deviations)[regime]


def _rolling_mean(by_life: Any, window: int) -> pd.DataFrame:
    return _plain(by_life.rolling(window, min_periods=1).mean())


def _plain(grouped: pd.DataFrame) -> pd.DataFrame:
    """Without the group's levels in the index."""
    return grouped.droplevel(list(range(len(_LIFE))))


def _mean_of_first(scores: pd.DataFrame, groups: list[pd.Series], number: pd.Series) -> pd.DataFrame:
    """Mean of the life's first 20 readings, as far as they are known at the row."""
    early = scores.where(np.broadcast_to((number <= FIRST).to_numpy()[:, None], scores.shape))
    sums = early.fillna(0.0).groupby(groups, sort=False).cumsum()
    counts = early.notna().astype(float).groupby(groups, sort=False).cumsum()
    return sums / counts.clip(lower=1.0)


def _suffixed(frame: pd.DataFrame, suffix: str) -> pd.DataFrame:
    return frame.rename(columns=lambda name: f"{name}{suffix}")


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _tuples(values: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(_tuple(row) for row in values)
