"""Rows of ops.quality_runs: the verdicts of the gate, written and read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import EqualTo

from lake.catalog import append_rows, open_catalog
from lake.tables import QUALITY_RUNS
from runtime.platforms import Platform


@dataclass(frozen=True)
class CheckResult:
    """One check of one run. `sample` has up to 20 failing rows: device_id, event_time, event_id."""

    name: str
    field: str | None
    passed: bool
    observed: float | None
    threshold: float | None
    failing_rows: int
    sample: tuple[dict[str, Any], ...]
    sentence: str

    @property
    def key(self) -> str:
        """What a waiver names."""
        return f"{self.name}:{self.field or ''}"


def write_results(
    platform: Platform, run_id: str, contract: str, results: Sequence[CheckResult], waived: frozenset[str], at: datetime
) -> None:
    def status(result: CheckResult) -> str:
        return "passed" if result.passed else "waived" if result.key in waived else "failed"

    rows = [
        {
            "run_id": run_id,
            "contract": contract,
            "check_name": result.name,
            "field": result.field,
            "status": status(result),
            "observed": result.observed,
            "threshold": result.threshold,
            "failing_rows": result.failing_rows,
            "sample": json.dumps(list(result.sample), default=str),
            "sentence": result.sentence,
            "recorded_at": at,
        }
        for result in results
    ]
    append_rows(platform, QUALITY_RUNS, rows)


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
