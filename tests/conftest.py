"""Fixtures that several folders of tests share, and the order of the files."""

import signal

import pytest

from tests.spark import empty_home, spark_lake, spark_session

__all__ = ["empty_home", "spark_lake", "spark_session"]

# The longest first, one for each of two workers: what is short fills the end.
_LONGEST = (
    "e2e/test_repeat",
    "e2e/test_cmapss",
    "e2e/test_faults",
    "cli/test_quality_decisions",
    "local/test_airflow",
)


def pytest_configure() -> None:
    # A run that was started in the background ignores SIGINT, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((rank for rank, name in enumerate(_LONGEST) if f"{name}.py" in item.nodeid), len(_LONGEST)))
