"""Maintenance and erasure as they are run: by spark-submit, in a process whose session opens when a job first needs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lake.catalog import ensure_tables, open_catalog
from lake.maintenance import Action, Verdict, read_proofs
from lake.tables import iceberg_tables
from runtime.settings import REPOSITORY
from tests.lake.small_lake import SmallLake

pytestmark = [pytest.mark.spark, pytest.mark.long]


def test_many_small_files_become_one_by_a_submitted_job(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    ensure_tables(lake.platform, iceberg_tables([lake.boiler]))
    for number in range(6):
        lake.publish([lake.reading("b-1", number), lake.reading("b-2", number)], f"a{number}.1", number)
    command = [sys.executable, "-m", "spark_jobs.submit", "maintain", "--contract", "boiler,_shared", "--run-id", "m"]
    environment = os.environ | lake.platform.settings.environment() | {"FLEETLAKE_SPARK_QUICK": "true", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    table = open_catalog(lake.platform).load_table("silver.boiler")
    assert len(list(table.scan().plan_files())) == 1
    assert len(table.scan().to_arrow()) == 12
    proofs = {proof.table_name: proof for proof in read_proofs(lake.platform, Action.COMPACT)}
    assert {name: proof.verdict for name, proof in proofs.items()} == {"silver.boiler": Verdict.HOLDS, "ops.publications": Verdict.HOLDS}
