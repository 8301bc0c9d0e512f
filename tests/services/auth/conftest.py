"""The API over moto, one for the tests of a file and as new for each, with an administrator, an operator and a device."""

from collections.abc import Iterator

import pytest

from services.identity import DeviceFacts
from tests.services.api import Api, Someone, running_api


@pytest.fixture(scope="module")
def running() -> Iterator[Api]:
    with running_api() as api:
        yield api


@pytest.fixture
def api(running: Api) -> Api:
    running.reset()
    return running


@pytest.fixture
def root(api: Api) -> Someone:
    return api.user("root", "admin")


@pytest.fixture
def anna(api: Api) -> Someone:
    return api.user("anna", "operator")


@pytest.fixture
def engine(api: Api) -> DeviceFacts:
    return api.directory.add("engine-7", groups=("hall-3",), tags=("site=bremen",))
