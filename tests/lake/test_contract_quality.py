"""What a contract says of the gate: thresholds of the table and of a field, and what is refused of them."""

from pathlib import Path

import pytest

from lake.contracts import Quality
from tests.lake.test_contracts import LIFT, contract, refusal


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cadence_seconds: 60", "cadence_seconds: 60\nquality: {warn: [load]}", "quality: warn: 'load' must be one of quarantined_share,"),
        (
            "cadence_seconds: 60",
            "cadence_seconds: 60\nquality: {warn: [unique_event_id]}",
            "quality: warn: 'unique_event_id' must be one of",
        ),
        (
            "cadence_seconds: 60",
            "cadence_seconds: 60\nquality: {max_stuck_share: null}",
            "quality: max_stuck_share: must be a share between 0 and 1",
        ),
        ("max: 2000", "max_jump_share: -1", "field load: max_jump_share: -1 must be at least 0"),
        ("enum: [open, closed]", "max_stuck_share: 1", "field door: max_stuck_share has no meaning for type string"),
    ],
)
def test_a_wrong_threshold_is_refused_with_the_place_and_the_reason(tmp_path: Path, old: str, new: str, words: str) -> None:
    said = refusal(tmp_path, old, new)
    assert said.startswith("contract lift.yaml")
    assert words in said


def test_what_the_gate_allows_is_read_of_the_table_and_of_a_field(tmp_path: Path) -> None:
    usual = contract(tmp_path)
    assert usual.quality == Quality()
    assert usual.field("load").max_stuck_share is None
    asked = LIFT.replace("max: 2000", "max: 2000, max_stuck_share: 0.5, max_null_rise: 0.3").replace(
        "cadence_seconds: 60", "cadence_seconds: 60\nquality: {max_null_share: 0.4, max_jump_share: 0.01, warn: [volume, stuck]}"
    )
    lift = contract(tmp_path, asked)
    assert lift.quality == Quality(max_null_share=0.4, max_jump_share=0.01, warn=("volume", "stuck"))
    assert (lift.field("load").max_stuck_share, lift.field("load").max_null_rise) == (0.5, 0.3)
