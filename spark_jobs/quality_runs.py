"""Rows of ops.quality_runs: the verdicts of the gate, written and read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import EqualTo

from lake.catalog import append_rows, open_catalog
from lake.tables import QUALITY_FAILURES, QUALITY_RUNS
from runtime.platforms import Platform


@dataclass(frozen=True)
class CheckResult:
    """One check of one run. `sample` has up to 20 rows that a person would look at first, `failures` what ops.quality_failures shows."""

    name: str
    field: str | None
    passed: bool
    observed: float | None
    threshold: float | None
    failing_rows: int
    sample: tuple[dict[str, Any], ...]
    sentence: str
    failures: tuple[Mapping[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """What a waiver names."""
        return f"{self.name}:{self.field or ''}"


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    WAIVED = "waived"


@dataclass(frozen=True)
class Lenience:
    """Checks that may fail: those that a person waived for a run, by key, and those that the contract has only warn, by name."""

    waived: frozenset[str] = frozenset()
    warn: frozenset[str] = frozenset()

    def status(self, result: CheckResult) -> Status:
        if result.passed:
            return Status.PASSED
        if result.key in self.waived:
            return Status.WAIVED
        return Status.WARNED if result.name in self.warn else Status.FAILED


def write_results(platform: Platform, run_id: str, contract: str, results: Sequence[CheckResult], lenience: Lenience, at: datetime) -> None:
    """The verdict, and what is behind the checks that did not pass."""
    of_run = {"run_id": run_id, "contract": contract, "recorded_at": at}
    failures = [row for result in results for row in _failures(result, of_run)]
    if failures:
        append_rows(platform, QUALITY_FAILURES, failures)
    append_rows(platform, QUALITY_RUNS, [_verdict(result, of_run, lenience) for result in results])


def _verdict(result: CheckResult, of_run: dict[str, Any], lenience: Lenience) -> dict[str, Any]:
    return of_run | {
        "check_name": result.name,
        "field": result.field,
        "status": str(lenience.status(result)),
        "observed": result.observed,
        "threshold": result.threshold,
        "failing_rows": result.failing_rows,
        "sample": json.dumps(list(result.sample), default=str),
        "sentence": result.sentence,
    }


def _failures(result: CheckResult, of_run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    known = dict.fromkeys(QUALITY_FAILURES.column_names) | of_run | {"check_name": result.name, "field": result.field, "readings": 1}
    for failure in result.failures:
        yield known | {name: value for name, value in failure.items() if name in known}


def read_results(platform: Platform, run_id: str | None = None) -> list[dict[str, Any]]:
    """Rows of one run, or of all, oldest first."""
    try:
        table = open_catalog(platform).load_table(QUALITY_RUNS.name)
    except NoSuchTableError:
        return []
    scan = table.scan(row_filter=EqualTo("run_id", run_id)) if run_id else table.scan()
    return sorted(scan.to_arrow().to_pylist(), key=lambda row: (row["recorded_at"], row["run_id"], row["check_name"], row["field"] or ""))


def failed_or_waived(platform: Platform, run_id: str) -> frozenset[str]:
    """What accepting the run waives: the checks that failed, and those that were waived for it before."""
    rows = read_results(platform, run_id)
    return frozenset(f"{row['check_name']}:{row['field'] or ''}" for row in rows if row["status"] in ("failed", "waived"))
