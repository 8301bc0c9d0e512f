"""A plan that cannot be is refused; the same plan has the same boot."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from runtime.errors import ContractError, UserError
from tests.local.simulator.fleets import CONTRACTS, MONDAY, plan


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": MONDAY}, "is not after the start"),
        ({"start": datetime(2026, 11, 1)}, "time zone"),  # noqa: DTZ001 - a moment without zone is the case
        ({"born": MONDAY + timedelta(hours=1)}, "after the start"),
        ({"start": MONDAY - timedelta(days=4000)}, "more than ten years"),
        ({"pack": 0}, "packs of 0"),
        ({"prefix": "hall/"}, "device ids would begin with 'hall/'; an id has 1 to 128 letters"),
        ({"pack": 251}, "1 to 250"),
        ({"devices": {"pump": 0}}, "at least one"),
        ({"devices": {"pump": 2001}}, "2,001 devices; one process holds the connections of 2,000 at most"),
        # A pump measures each five minutes.
        (
            {"devices": {"pump": 1000}, "end": MONDAY + timedelta(days=4)},
            "about 1,152,000 readings; memory holds 1,000,000 at most at once",
        ),
        ({"devices": {"maintenance": 1}}, "name a measurement"),
        ({"versions": {"pump": 9}}, "no version 9"),
        ({"faults": {"earthquake": 0.1}}, "there are late, repeated"),
        ({"faults": {"late": 0.0}}, "above 0"),
        ({"faults": {"late": 0.6, "missing": 0.6}}, "one fault at most"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_the_reason(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan(**changes).check(CONTRACTS)


def test_a_contract_that_is_not_there_is_refused_with_those_there_are() -> None:
    with pytest.raises(ContractError, match="environment, maintenance, pump, turbofan"):
        plan(devices={"submarine": 1}).check(CONTRACTS)


def test_the_boot_changes_with_the_plan_and_not_with_the_size_of_packs() -> None:
    assert plan().boot_name == plan().boot_name == plan(pack=7).boot_name
    assert len({plan().boot_name, plan(seed=2).boot_name, plan(hours=2).boot_name, plan(faults={"late": 0.1}).boot_name}) == 4


def test_a_boot_that_is_given_counts() -> None:
    assert plan(boot="b7").boot_name == "b7"
