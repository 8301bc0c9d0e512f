"""The proofs at their small size: the same code as `make proof-NAME`."""

import pytest

from tests.proofs import Size, contract, faults, repeat

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


def test_the_law_holds_with_every_fault_and_a_worker_that_is_killed() -> None:
    counts = faults.prove(Size.SMALL)
    assert counts["messages_received_again"] > 0


def test_a_new_contract_needs_one_file_and_no_code() -> None:
    assert contract.prove(Size.SMALL)["with_the_new_field"] == 2 * 12 * 12


def test_running_twice_and_late_data_give_what_one_run_gives() -> None:
    assert repeat.prove(Size.SMALL)["tables"] > 0
