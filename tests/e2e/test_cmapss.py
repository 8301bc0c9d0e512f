"""`make proof-cmapss`, small."""

import pytest

from tests.proofs import Size, cmapss

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


def test_real_engines_are_replayed_learnt_from_and_judged() -> None:
    assert cmapss.prove(Size.SMALL)["engines"] == 12
