"""How sure a prediction is: a conformal interval from cross-validated errors.

The ends of the interval are the 5 % and 95 % quantiles of (true - predicted) over the out-of-fold predictions of like size
(Mondrian conformal prediction; Vovk et al., "Algorithmic learning in a random world", 2005). Chosen over quantile regression
because it assumes no distribution, needs no further model, and its errors are those of engines that the predicting trees had
not seen. Errors of one engine hang together, so the 90 % hold over many engines, not along each. Labels are capped: an upper
end at the cap says "at least that".
"""

from typing import Any

import numpy as np
import pandas as pd

Interval = tuple[tuple[float, float], ...]
_EDGES = (25.0, 60.0, 100.0)
_QUANTILES = (0.05, 0.95)
_LEAST = 20


def learn(predicted: Any, true: Any) -> Interval:
    """For predictions in each of four ranges of size, the quantiles of their errors; of all, where a range has too few."""
    errors, which = true - predicted, np.digitize(predicted, _EDGES)
    whole = np.quantile(errors, _QUANTILES)
    found = (np.quantile(errors[which == b], _QUANTILES) if (which == b).sum() >= _LEAST else whole for b in range(len(_EDGES) + 1))
    return tuple((float(low), float(high)) for low, high in found)


def around(score: pd.Series, interval: Interval) -> pd.DataFrame:
    """`score`, `lower`, `upper`."""
    low, high = np.array(interval)[np.digitize(score, _EDGES)].T
    # The quantiles of a biased range may lie on one side of 0; the interval holds its own prediction all the same.
    lower, upper = np.minimum((score + low).clip(lower=0.0), score), np.maximum(score + high, score)
    return pd.DataFrame({"score": score, "lower": lower, "upper": upper}, index=score.index)


def coverage(predicted: Any, true: Any, folds: Any) -> float:
    """Share of true values inside, each fold judged by the interval learnt on the others."""
    inside = np.zeros(len(predicted), dtype=bool)
    for fold in np.unique(folds):
        here = folds == fold
        ends = around(pd.Series(predicted[here]), learn(predicted[~here], true[~here]))
        inside[here] = (true[here] >= ends["lower"]) & (true[here] <= ends["upper"])
    return float(inside.mean())
