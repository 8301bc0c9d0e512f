"""`make proof-contract`, small."""

import pytest

from tests.proofs import Size, contract

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


def test_a_new_contract_needs_one_file_and_no_code() -> None:
    assert contract.prove(Size.SMALL)["with_the_new_field"] == 2 * 12 * 12
