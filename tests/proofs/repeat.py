"""Running twice is running once: repeated runs, late data and reconcile give the tables that one run at the end gives."""

import shutil
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass, replace
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
from tests.cloud import Cloud, running_cloud
from tests.proofs import Size, contract
from tests.proofs._journey import drained, run_dags, say, submitted, the_law

WHAT = "DAGs run twice, again after late data and after an object in a ten-day-old partition: the fingerprints of one run at the end."
CODE = ("runtime", "ingestion", "lake", "spark_jobs", "dags")
SEED = 5
_CONTRACTS = ("turbofan", "pump", "environment", "maintenance")
_DEVICES = {"turbofan": 10, "pump": 3, "environment": 3}
_JOBS = "silver,gold_hourly,gold_device_daily,features"


@dataclass(frozen=True)
class _Grown:
    """A lake that grows: which contracts, which devices, over twice how many hours, and which contract the old object is of."""

    contracts: tuple[str, ...]
    devices: dict[str, int]
    hours: int
    old: str


_FULL = _Grown(_CONTRACTS, _DEVICES, 72, "pump")
_SMALL = _Grown(("lift",), {"lift": 3}, 12, "lift")


def prove(size: Size, running: Cloud | None = None) -> dict[str, Any]:
    """The small size is that of `contract` too: its one contract is new, and gets a second version on the way. It is proven in a cloud
    that is `running` and has the first version alone."""
    by = _SMALL if size is Size.SMALL else _FULL
    with tempfile.TemporaryDirectory(prefix="fleetlake-repeat-") as folder:
        parts = ("emulator", "worker", "airflow")
        own = running_cloud(Path(folder) / "grown", parts, schedules=False)
        with nullcontext(running) if running else own as cloud:
            counts = _grow(cloud, by, size)
            expected = _fingerprints(cloud)
        once = Path(folder) / "once"
        _same_bronze(cloud.settings.home, once)
        with running_cloud(once, contracts_folder=cloud.settings.contracts_folder) as cloud:
            say("one run over everything, in one session")
            submitted(cloud, _JOBS.replace("silver", "reconcile"), "--contract", ",".join(by.contracts), "--run-id", "once")
            found = _fingerprints(cloud)
        assert found == expected, {name: (expected[name], found.get(name)) for name in expected if expected[name] != found.get(name)}
        return counts | {"tables": len(expected), "fingerprints": expected}


def _grow(cloud: Cloud, by: _Grown, size: Size) -> dict[str, Any]:
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    middle = end - timedelta(hours=by.hours)
    whole = Plan(by.devices, end - timedelta(hours=2 * by.hours), end, seed=SEED)
    dags = [f"pipeline_{name}" for name in by.contracts]
    say("the first half, and its DAGs twice")
    assert simulate(cloud.platform, replace(whole, end=middle)).refused == 0
    drained(cloud)
    run_dags(cloud, dags)
    before = _fingerprints(cloud)
    run_dags(cloud, dags)
    assert _fingerprints(cloud) == before
    say("the second half, with late data that belongs to the first, and an object in a partition ten days old")
    _second_half(cloud, replace(whole, start=middle, born=whole.start), by, size)
    late = replace(whole, prefix="late-", versions=dict.fromkeys(by.contracts, 1))
    simulate(cloud.platform, late)
    drained(cloud)
    moved = _an_old_object(cloud, middle, by.old)
    run_dags(cloud, dags)
    # The hourly run does not look there: partitions of ten days ago are complete.
    assert (_devices(cloud, by.old, "late-"), _devices(cloud, by.old, "old-")) == (by.devices[by.old], 0)
    say("reconcile finds it")
    run_dags(cloud, ["reconcile"])
    assert _devices(cloud, by.old, "old-") == 1
    run_dags(cloud, dags)
    assert (_devices(cloud, by.old, "late-"), _devices(cloud, by.old, "old-")) == (by.devices[by.old], 1)
    if size is Size.SMALL:
        contract.shows_both_versions(cloud, by.hours)
    verdict = the_law(cloud)
    assert (verdict.in_flight, verdict.surprised) == (0, 0)
    return {"sent": verdict.sent, "moved_object": moved}


def _second_half(cloud: Cloud, following: Plan, by: _Grown, size: Size) -> None:
    if size is Size.FULL:
        simulate(cloud.platform, following)
        return
    contract.shows_first_version(cloud, by.hours)
    contract.second_version(cloud.settings.contracts_folder)
    contract.send_mixed(cloud, following)


def _an_old_object(cloud: Cloud, start: datetime, contract: str) -> str:
    """Send something, and move the object that it became to an ingest partition of ten days ago."""
    known = set(list_keys(cloud.platform, bronze_prefix(contract)))
    simulate(cloud.platform, Plan({contract: 1}, start, start + timedelta(hours=2), seed=9, prefix="old-", versions={contract: 1}))
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


def _devices(cloud: Cloud, contract: str, prefix: str) -> int:
    """How many devices of that prefix silver shows."""
    text = f"SELECT count(DISTINCT device_id) FROM silver.{contract} WHERE starts_with(device_id, ?)"
    return int(query.sql(text, platform=cloud.platform, parameters=[prefix]).rows[0][0])


def _same_bronze(grown: Path, once: Path) -> None:
    """The objects of one lake as another's: what its devices sent, and nothing that was made of it."""
    shutil.copytree(grown / "cloud" / "s3", once / "cloud" / "s3")


def _fingerprints(cloud: Cloud) -> dict[str, str]:
    contracts = load_contracts(cloud.settings.contracts_folder).values()
    return {name: str(found) for name, found in fingerprints(cloud.platform, list(contracts)).items()}
