"""The fixture that all tests of the devices' operations use."""

from collections.abc import Iterator

import pytest

from tests.services.devices.surroundings import Api, running_api


@pytest.fixture
def api() -> Iterator[Api]:
    with running_api() as running:
        yield running
