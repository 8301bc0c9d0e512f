"""`make proof-repeat` and `make proof-contract`, small and in one lake: its contract is new, and gets a second version."""

import pytest

from tests.proofs import Size, repeat

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


def test_a_new_contract_needs_one_file_and_running_twice_or_late_gives_what_one_run_gives() -> None:
    assert repeat.prove(Size.SMALL)["tables"] > 0
