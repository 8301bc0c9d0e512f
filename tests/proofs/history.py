"""`as_of` through random histories: what was known at a moment is the same whenever it is asked.

The full proof keeps the outcome of each round that has ended, and one that was broken off goes on with the next.
"""

import tempfile
from pathlib import Path
from typing import Any

from tests.lake.histories import History
from tests.proofs import Size
from tests.proofs._journey import say
from tests.proofs._rounds import Rounds

WHAT = "500 random histories of arrivals, kills, rebuilds, compactions and expiries: as_of gives what a model says was known, whenever it is asked."
CODE = ("lake", "spark_jobs/publication.py", "spark_jobs/branch.py", "runtime")
SEED = 0
_ROUNDS = {Size.SMALL: 1, Size.FULL: 20}
_OF_ROUND = 25
_STEPS = {Size.SMALL: 6, Size.FULL: 12}
_COUNTERS = ("asked", "refused", "killed", "expired")


def prove(size: Size) -> dict[str, Any]:
    if size is Size.SMALL:
        return _round(size, 0)
    kept = Rounds("history", (*CODE, "tests/lake", "tests/proofs"), SEED)
    done = kept.done()
    for number in (number for number in range(_ROUNDS[size]) if number not in done):
        say(f"round {number + 1} of {_ROUNDS[size]}")
        done[number] = _round(size, number)
        kept.keep(number, done[number])
    total = {name: sum(told[name] for told in done.values()) for name in ("histories", *_COUNTERS)}
    assert total["histories"] >= 500
    kept.forget()
    return total


def _round(size: Size, number: int) -> dict[str, Any]:
    histories = []
    for seed in range(number * _OF_ROUND, (number + 1) * _OF_ROUND):
        with tempfile.TemporaryDirectory(prefix="fleetlake-history-") as folder:
            history = History(Path(folder) / "lake", SEED + seed)
            history.play(_STEPS[size])
            histories.append(history)
    total = {name: sum(getattr(history, name) for history in histories) for name in _COUNTERS}
    # A round in which nothing was killed, expired or refused would show little.
    assert total["asked"] > 8 * len(histories), total
    assert min(total.values()) > 5, total
    return {"histories": len(histories)} | total
