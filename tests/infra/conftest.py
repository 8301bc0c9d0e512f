"""Fixtures of the tests of the cloud side."""

import shutil
from collections.abc import Iterator

import pytest

from tests.infra.synthesis import Synthesis, synthesised


@pytest.fixture(scope="session", params=["dev", "prod", "live"])
def cloud_side(request: pytest.FixtureRequest) -> Iterator[Synthesis]:
    """The templates of a development deployment, of a production one, and of one with LiveAnalytics."""
    made = synthesised(request.param)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)
    synthesised.cache_clear()
