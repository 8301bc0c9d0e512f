"""A worker of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingestion.bench import Bench, bench


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as built:
        yield built
