"""`make proof-faults`, small."""

import pytest

from tests.proofs import Size, faults

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


def test_the_law_holds_with_every_fault_and_a_worker_that_is_killed() -> None:
    counts = faults.prove(Size.SMALL)
    assert counts["messages_received_again"] > 0
