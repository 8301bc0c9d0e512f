"""A put that meets another one of the same key."""

from pathlib import Path
from typing import Any

import pytest

from lake.objects import put_once
from runtime.errors import RetryLater
from tests.ingestion.bench import bench, refusal


@pytest.mark.parametrize(("conflicts", "is_made"), [(0, True), (3, True), (100, False)])
def test_a_put_waits_a_little_while_another_is_under_way(tmp_path: Path, conflicts: int, is_made: bool) -> None:
    pauses: list[float] = []

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if len(pauses) < conflicts:
            raise refusal(409, "ConditionalRequestConflict")

    with bench(tmp_path) as made:
        made.platform.fails = fails
        if is_made:
            assert put_once(made.platform, "a", b"1", pauses.append)
        else:
            with pytest.raises(RetryLater, match="put a: another put of the same key did not end"):
                put_once(made.platform, "a", b"1", pauses.append)
    assert len(pauses) == min(conflicts, 10)
    assert all(0 <= pause <= 0.4 for pause in pauses)
