"""`make proof-delivery`, small: 100,000 readings and 25 kills."""

import pytest

from tests.proofs import Size, delivery

pytestmark = pytest.mark.cloud


def test_nothing_is_lost_or_there_twice_under_kills_and_storage_errors() -> None:
    counts = delivery.prove(Size.SMALL)
    assert (counts["sent"], counts["visible"] + counts["quarantined"]) == (100_000, 100_000)
    assert (counts["kills"], counts["lost"], counts["twice"], counts["phantoms"]) == (25, 0, 0, 0)
