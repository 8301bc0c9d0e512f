"""`make proof-shadow`, small: eight writers of one shadow over HTTP."""

import pytest

from tests.proofs import Size
from tests.proofs import shadow as proof

pytestmark = pytest.mark.cloud


def test_of_many_writers_over_http_each_update_has_a_version_of_its_own() -> None:
    counts = proof.race_over_http(Size.SMALL)
    assert (counts["writers"], counts["updates"], counts["versions"]) == (8, 400, 400)
