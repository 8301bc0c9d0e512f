"""Which device ids a replay makes of its rows, and which it refuses."""

import dataclasses
from pathlib import Path

import pytest

from local.replay import Replay, stream
from runtime.errors import UserError
from tests.local.simulator.fleets import CONTRACTS
from tests.local.test_replay import AIR, AIR_COLUMNS, NOW, air

RULE = "an id has 1 to 128 letters, digits, ':', '_' or '-', and begins with --prefix or the file's name"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", "column room is empty"),
        ("hall/1", "'hall/1' makes the device id 'air-hall/1'"),
        ("hall+", "'hall+' makes the device id 'air-hall+'"),
        ("#", "'#' makes the device id 'air-#'"),
        ("Küche", "'Küche' makes the device id 'air-Küche'"),
        ("the hall", "'the hall' makes the device id 'air-the hall'"),
    ],
)
def test_a_device_that_can_be_no_thing_is_refused_with_its_row_and_value(tmp_path: Path, cell: str, words: str) -> None:
    text = f"{AIR}{cell},2026-11-01T10:10:00Z,21.5,40,500\n"
    with pytest.raises(UserError) as caught:
        stream(air(tmp_path, text), CONTRACTS, NOW)
    assert str(caught.value) == f"replay air.csv, row 3: {words}; {RULE}"


def test_a_file_whose_name_can_be_no_thing_needs_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "air of hall.csv").write_text(AIR)
    asked = Replay(tmp_path / "air of hall.csv", contract="environment", columns=AIR_COLUMNS, time_column="when")
    with pytest.raises(UserError, match="row 1: 'air of hall' makes the device id 'air of hall'"):
        stream(asked, CONTRACTS, NOW)
    assert {message.device_id for message in stream(dataclasses.replace(asked, prefix="hall"), CONTRACTS, NOW)} == {"hall"}
