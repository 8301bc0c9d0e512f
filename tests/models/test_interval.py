"""Intervals by cross-validated errors."""

import numpy as np
import pandas as pd
import pytest

from models.interval import around, coverage, learn


def test_the_ends_are_the_quantiles_of_the_errors_in_the_range_of_the_prediction() -> None:
    errors = np.arange(-50.0, 51.0)
    predicted = np.concatenate([np.full(101, 10.0), np.full(101, 80.0)])
    true = predicted + np.concatenate([errors / 10, errors])
    found = around(pd.Series([10.0, 80.0]), learn(predicted, true))
    # The 5 % and 95 % quantiles of -50…50 are -45 and 45.
    assert found.to_numpy() == pytest.approx(np.array([[10.0, 5.5, 14.5], [80.0, 35.0, 125.0]]))


def test_a_range_with_too_few_predictions_takes_the_errors_of_all() -> None:
    predicted, true = np.full(101, 10.0), 10 + np.arange(-50.0, 51.0)
    assert around(pd.Series([90.0]), learn(predicted, true)).to_numpy() == pytest.approx(np.array([[90.0, 45.0, 135.0]]))


def test_an_interval_is_never_below_nothing_left_and_holds_its_prediction() -> None:
    shifted = ((1.0, 2.0), (-9.0, -3.0), (0.0, 0.0), (0.0, 0.0))
    found = around(pd.Series([5.0, 30.0]), shifted)
    assert found.to_numpy().tolist() == [[5.0, 5.0, 7.0], [30.0, 21.0, 30.0]]
    assert around(pd.Series([2.0]), ((-9.0, 1.0),) * 4)["lower"].tolist() == [0.0]


def test_coverage_is_judged_by_the_errors_of_other_folds() -> None:
    # The second fold's errors are ten times the first's: neither knows of the other's.
    predicted, folds = np.full(202, 100.0), np.repeat([0, 1], 101)
    true = predicted + np.concatenate([np.arange(-50.0, 51.0) / 10, np.arange(-50.0, 51.0)])
    # All of the first lies within ±45; of the second the nine within ±4.5.
    assert coverage(predicted, true, folds) == pytest.approx((101 + 9) / 202)
