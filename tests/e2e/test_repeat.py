"""`make proof-repeat`, small."""

import pytest

from tests.proofs import Size, repeat

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


def test_running_twice_and_late_data_give_what_one_run_gives() -> None:
    assert repeat.prove(Size.SMALL)["tables"] > 0
