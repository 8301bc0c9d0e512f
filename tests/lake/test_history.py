"""What was known at a moment is the same whenever it is asked, whatever has happened since."""

from pathlib import Path

import pytest

from tests.lake.histories import History

pytestmark = pytest.mark.long


def test_as_of_gives_what_was_known_through_random_histories(tmp_path: Path) -> None:
    histories = [History(tmp_path / str(seed), seed) for seed in range(25)]
    for history in histories:
        history.play(steps=6)
    assert sum(history.asked for history in histories) > 200
    met = {what: sum(getattr(history, what) for history in histories) for what in ("killed", "expired", "refused")}
    assert min(met.values()) > 5, met
