"""Fixtures that several folders of tests share, and which worker runs what, in which order."""

import functools
import gc
import signal
from typing import Any

import botocore.loaders
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # xdist's annotations are not marked as typed

from tests.recorded_calls import RecordedCalls
from tests.spark import empty_home, spark_lake, spark_session

__all__ = ["empty_home", "spark_lake", "spark_session"]

_SPARK = "on spark"
# Files whose tests share the session of Spark. One that is not here has its worker start a second JVM, and that is all.
_ON_SPARK = (
    "tests/spark_jobs/",
    "tests/cli/test_quality",
    "tests/lake/test_hops.py",
    "tests/local/test_report.py",
    "tests/models/test_evaluate.py",
    "tests/benchmarks/test_compaction.py",
    "tests/benchmarks/test_growth.py",
    "tests/benchmarks/test_tsbs.py",
)
# Tests of the cloud side share what is synthesised.
_CLOUD_SIDE = "on the templates"
_OF_THE_CLOUD_SIDE = tuple(f"tests/infra/test_{name}" for name in ("alarms", "deployed", "nag", "rules", "templates"))
# The longest first: what is short fills the end.
_LONGEST = (_SPARK, "tests/e2e/test_journeys.py", "tests/e2e/test_faults.py", "tests/e2e/test_delivery.py")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(RecordedCalls(config))
    # A run that was started in the background ignores SIGINT, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # One for all sessions: each reads the models of S3 and SQS else, a tenth of a second a test.
    botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
    # What the tests import stays: to look for garbage among it takes near half of the collecting.
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):  # type: ignore[misc] # its base is Any: see the import
    """A file's tests, which may share fixtures, by one worker; and so those on Spark: one JVM for all of them, and a warm one."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def _scope(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    if file.startswith(_ON_SPARK):
        return _SPARK
    return _CLOUD_SIDE if file.startswith(_OF_THE_CLOUD_SIDE) else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _LONGEST.index(scope) if (scope := _scope(item.nodeid)) in _LONGEST else len(_LONGEST))
