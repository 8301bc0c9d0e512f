"""Fixtures of the tests of the cloud side."""

import pytest

from tests.infra.synthesis import Synthesis, synthesised


@pytest.fixture(scope="session", params=["dev", "prod", "live"])
def cloud_side(request: pytest.FixtureRequest) -> Synthesis:
    """The templates of a development deployment, of a production one, and of one with LiveAnalytics."""
    return synthesised(request.param)
