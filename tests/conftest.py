"""Fixtures that several folders of tests share, and the order of the files."""

import functools
import signal

import botocore.loaders
import pytest

from tests.spark import empty_home, spark_lake, spark_session

__all__ = ["empty_home", "spark_lake", "spark_session"]

# All that share the session of Spark: one JVM in place of one a worker, and warm.
_ON_SPARK = "on spark"
# The longest first: what is short fills the end.
_LONGEST = (
    _ON_SPARK,
    "tests/e2e/test_repeat.py",
    "tests/e2e/test_cmapss.py",
    "tests/e2e/test_faults.py",
    "tests/e2e/test_delivery.py",
    "tests/local/test_airflow.py",
)


def pytest_configure() -> None:
    # A run that was started in the background ignores SIGINT, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # One for all sessions: each reads the models of S3 and SQS else, a tenth of a second a test.
    botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)


# First, before xdist reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = {item.nodeid: _group(item) for item in items}
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[item.nodeid]))
    items.sort(key=lambda item: _LONGEST.index(group) if (group := groups[item.nodeid]) in _LONGEST else len(_LONGEST))


def _group(item: pytest.Item) -> str:
    """What one worker runs: a file, as its tests may share fixtures."""
    return _ON_SPARK if "spark_session" in getattr(item, "fixturenames", ()) else item.nodeid.partition("::")[0]
