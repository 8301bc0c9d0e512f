"""The one definition of the causal statistics of features.*: numpy in, numpy out; batch, training and live scoring call it.

Rows are readings, each device's together, in the order of (at, event_id). A value's windows hold it and the readings before
it in the same life:

    mean_5, mean_30   mean of the last 5, 30 readings that have a value
    std_30            their sample standard deviation; from two values on
    slope_30          least-squares slope over them, per reading; from two values on
    from_first_20     the value less the mean of the life's first 20 readings (of those so far, while there are fewer)

Nothing that cannot be computed has a number: it is NaN. Each sum is taken over its own window alone, term by term in a fixed
order, so that a reading's statistics have the same bits whatever else was computed beside it.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SHORT, LONG, FIRST = 5, 30, 20
# Readings before a given one that its statistics need, besides the first of its life.
REACH = LONG - 1


def number_readings(first_of_device: Bools, counter: Floats | None, known_life: Ints, known_number: Ints) -> tuple[Ints, Ints]:
    """`life` and `reading_number` of each reading; those whose `known_life` is not 0 keep what they are known to have.

    A life begins with the device's first reading and where the lifetime counter is less than at the reading before it.
    """
    begins = first_of_device.copy()
    if counter is not None and len(counter):
        # A comparison with NaN, where a reading has no counter, is false: no life begins there.
        begins[1:] |= counter[1:] < counter[:-1]
    known = known_life > 0
    begins &= ~known
    rows = np.arange(len(begins), dtype=np.int64)
    anchors = first_of_device | known
    anchor = np.maximum.accumulate(np.where(anchors, rows, 0))
    lives = np.cumsum(begins)
    life = np.where(known[anchor], known_life[anchor], 1) + lives - lives[anchor]
    start = np.maximum.accumulate(np.where(begins | known, rows, 0))
    number = np.where(known[start], known_number[start], 1) + rows - start
    return life.astype(np.int64), number.astype(np.int64)


def statistics(values: Floats, number: Ints, first: Ints) -> dict[str, Floats]:
    """The statistics of `values` (readings × fields; NaN: no value), each in the same shape.

    `number`: each reading's number in its life. `first`: the row of the life's first reading. The rows between need not be
    complete: only the readings whose `REACH` predecessors and whose life's first 20 are among the rows are computed rightly.
    """
    baseline = _mean_of_first(values, number, first)
    mean, deviation, slope = _long_window(values, number)
    return {
        "mean_5": _window_mean(values, number, SHORT),
        "mean_30": mean,
        "std_30": deviation,
        "slope_30": slope,
        "from_first_20": values - baseline,
    }


def _lagged(values: Floats, number: Ints, lag: int) -> tuple[Floats, Bools]:
    """Each reading's value `lag` readings before, 0 where there is none, and whether there is one."""
    there = np.zeros(values.shape, dtype=bool)
    before = np.zeros_like(values)
    if lag < len(values):
        source = values[: len(values) - lag]
        there[lag:] = (number[lag:, None] > lag) & ~np.isnan(source)
        before[lag:] = np.where(there[lag:], source, 0.0)
    return before, there


def _window_mean(values: Floats, number: Ints, window: int) -> Floats:
    total, count = np.zeros_like(values), np.zeros_like(values)
    for lag in range(window):
        before, there = _lagged(values, number, lag)
        total += before
        count += there
    return _divided(total, count)


def _long_window(values: Floats, number: Ints) -> tuple[Floats, Floats, Floats]:
    """Mean, deviation and slope in two passes: sums around the means, because sums of squares would lose digits."""
    total, count, places = np.zeros_like(values), np.zeros_like(values), np.zeros_like(values)
    for lag in range(LONG):
        before, there = _lagged(values, number, lag)
        total += before
        count += there
        places -= lag * there
    mean, middle = _divided(total, count), _divided(places, count)
    squares, spread, together = np.zeros_like(values), np.zeros_like(values), np.zeros_like(values)
    for lag in range(LONG):
        before, there = _lagged(values, number, lag)
        from_mean = np.where(there, before - mean, 0.0)
        from_middle = np.where(there, -lag - middle, 0.0)
        squares += from_mean * from_mean
        spread += from_middle * from_middle
        together += from_middle * from_mean
    return mean, np.sqrt(_divided(squares, count - 1)), _divided(together, spread)


def _mean_of_first(values: Floats, number: Ints, first: Ints) -> Floats:
    total, count = np.zeros_like(values), np.zeros_like(values)
    for place in range(FIRST):
        has = number > place
        at = np.where(has, first + place, 0)
        there = has[:, None] & ~np.isnan(values[at])
        total += np.where(there, values[at], 0.0)
        count += there
    return _divided(total, count)


def _divided(total: Floats, count: Floats) -> Floats:
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
