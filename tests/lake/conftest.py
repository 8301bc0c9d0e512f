"""A small lake and the truth of what was sent to it, as the tests of the law share them."""

from pathlib import Path

import pytest

from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    return SmallLake(tmp_path)


@pytest.fixture
def truth(tmp_path: Path) -> HandTruth:
    return HandTruth(tmp_path / "truth" / "t1.jsonl")
