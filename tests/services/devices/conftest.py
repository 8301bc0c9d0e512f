"""The fixtures that all tests of the devices' operations use."""

from collections.abc import Iterator

import pytest

from tests.services.devices.surroundings import Api, running_api


@pytest.fixture
def api() -> Iterator[Api]:
    with running_api() as running:
        yield running


@pytest.fixture(scope="module")
def quiet() -> Iterator[Api]:
    """One for all tests of a file that change nothing: engine-7 is there, and vera may read it."""
    with running_api() as running:
        running.make("engine-7")
        running.grant("vera", "engine-7")
        yield running
