"""Running twice is running once: repeated runs, late data and reconcile give the tables that one run at the end gives."""

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lake import query
from lake.contracts import load_contracts
from lake.fingerprint import fingerprints
from lake.layout import bronze_prefix, ingest_partition
from lake.objects import list_keys
from local.simulator.fleet import simulate
from local.simulator.plan import Plan
from runtime.settings import REPOSITORY
from tests.cloud import Cloud, running_cloud
from tests.proofs import Size
from tests.proofs._journey import drained, run_dags, say, submitted, the_law

WHAT = "DAGs run twice, again after late data and after an object in a ten-day-old partition: the fingerprints of one run at the end."
CODE = ("lake", "spark_jobs", "dags", "ingestion")
SEED = 5
_CONTRACTS = {Size.SMALL: ("pump",), Size.FULL: ("turbofan", "pump", "environment", "maintenance")}
_FULL = {"turbofan": 10, "pump": 3, "environment": 3}
_JOBS = "silver,gold_hourly,gold_device_daily,features"


def prove(size: Size) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="fleetlake-repeat-") as folder:
        grown, once, contracts = (Path(folder) / name for name in ("grown", "once", "contracts"))
        contracts.mkdir()
        for name in _CONTRACTS[size]:
            shutil.copy(REPOSITORY / "contracts" / f"{name}.yaml", contracts)
        parts = ("emulator", "worker", "airflow")
        with running_cloud(grown, parts, schedules=False, contracts_folder=contracts) as cloud:
            counts = _grow(cloud, size)
            expected = _fingerprints(cloud)
        _same_bronze(grown, once)
        with running_cloud(once, contracts_folder=contracts) as cloud:
            say("one run over everything, in one session")
            submitted(cloud, _JOBS.replace("silver", "reconcile"), "--contract", ",".join(_CONTRACTS[size]), "--run-id", "once")
            found = _fingerprints(cloud)
        assert found == expected, {name: (expected[name], found.get(name)) for name in expected if expected[name] != found.get(name)}
        return counts | {"tables": len(expected), "fingerprints": expected}


def _grow(cloud: Cloud, size: Size) -> dict[str, Any]:
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = 10 if size is Size.SMALL else 72
    devices = {"pump": 3} if size is Size.SMALL else _FULL
    whole = Plan(devices, end - timedelta(hours=2 * hours), end, seed=SEED)
    dags = [f"pipeline_{name}" for name in _CONTRACTS[size]]
    say("the first half, and its DAGs twice")
    simulate(cloud.platform, replace(whole, end=end - timedelta(hours=hours)))
    drained(cloud)
    run_dags(cloud, dags)
    before = _fingerprints(cloud)
    run_dags(cloud, dags)
    assert _fingerprints(cloud) == before
    say("the second half, with late data that belongs to the first, and an object in a partition ten days old")
    simulate(cloud.platform, replace(whole, start=end - timedelta(hours=hours), born=whole.start))
    simulate(cloud.platform, replace(whole, prefix="late-"))
    drained(cloud)
    moved = _an_old_object(cloud, end, hours)
    run_dags(cloud, dags)
    # The hourly run does not look there: partitions of ten days ago are complete.
    assert (_devices(cloud, "late-"), _devices(cloud, "old-")) == (devices["pump"], 0)
    say("reconcile finds it")
    run_dags(cloud, ["reconcile"])
    assert _devices(cloud, "old-") == 1
    run_dags(cloud, dags)
    verdict = the_law(cloud)
    assert verdict.in_flight == 0
    return {"sent": verdict.sent, "moved_object": moved}


def _an_old_object(cloud: Cloud, end: datetime, hours: int) -> str:
    """Send something, and move the object that it became to an ingest partition of ten days ago."""
    contract = "pump"
    known = set(list_keys(cloud.platform, bronze_prefix(contract)))
    simulate(cloud.platform, Plan({contract: 1}, end - timedelta(hours=hours), end - timedelta(hours=hours - 2), seed=9, prefix="old-"))
    drained(cloud)
    new = [key for key in list_keys(cloud.platform, bronze_prefix(contract)) if key not in known]
    s3, bucket = cloud.platform.client("s3"), cloud.platform.lake_bucket
    targets = []
    for key in new:
        partition = ingest_partition(key)
        assert partition is not None
        target = replace(partition, hour=partition.hour - timedelta(days=10)).prefix + key.rpartition("/")[2]
        s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": key})
        s3.delete_object(Bucket=bucket, Key=key)
        targets.append(target)
    assert targets
    return targets[0]


def _devices(cloud: Cloud, prefix: str) -> int:
    """How many pumps of that prefix silver shows."""
    text = "SELECT count(DISTINCT device_id) FROM silver.pump WHERE starts_with(device_id, ?)"
    return int(query.sql(text, platform=cloud.platform, parameters=[prefix]).rows[0][0])


def _same_bronze(grown: Path, once: Path) -> None:
    """The objects of one lake as another's: what its devices sent, and nothing that was made of it."""
    shutil.copytree(grown / "cloud" / "s3", once / "cloud" / "s3")


def _fingerprints(cloud: Cloud) -> dict[str, str]:
    contracts = load_contracts(cloud.settings.contracts_folder).values()
    return {name: str(found) for name, found in fingerprints(cloud.platform, list(contracts)).items()}
