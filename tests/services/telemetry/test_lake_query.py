"""SQL over the lake over HTTP: whose rows, in which form, within which limits."""

from pathlib import Path

import pytest

from tests.services.telemetry.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    for number, device in enumerate(("b-1", "b-2", "b-3"), 1):
        made.lake.publish([made.lake.reading(device, seq, starts=number) for seq in range(3)], f"r.{number}", number)
    return made


def test_a_caller_sees_the_rows_of_its_devices_and_is_told_that_others_are_left_out(world: World) -> None:
    answer = world.ask("SELECT device_id, count(*) AS n FROM silver.boiler GROUP BY 1 ORDER BY 1", "otto")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "columns": [{"name": "device_id", "type": "string"}, {"name": "n", "type": "int64"}],
        "rows": [["b-1", 3], ["b-2", 3]],
        "row_count": 2,
        "truncated": False,
        "rows_left_out": True,
        "restricted_tables": ["silver.boiler"],
        "as_of": None,
    }
