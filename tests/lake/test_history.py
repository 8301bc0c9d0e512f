"""What was known at a moment is the same whenever it is asked, whatever has happened since."""

import pytest

from tests.proofs import Size, history

pytestmark = pytest.mark.long


def test_as_of_gives_what_was_known_through_random_histories() -> None:
    assert history.prove(Size.SMALL)["histories"] == 25
