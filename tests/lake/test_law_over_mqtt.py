"""The law over a real journey: simulated devices with every fault, the broker, the rule, the queue and the worker."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake import query
from lake.contracts import load_contracts
from lake.hops import HopCounter
from lake.law import Breach, Place, Verdict, verify
from lake.query_tables import object_files
from lake.tables import bronze
from local.provisioning import provision
from local.simulator.fault_kinds import every_fault
from local.simulator.fleet import Simulated, simulate
from local.simulator.plan import Plan
from tests.cloud import Cloud, running_cloud
from tests.local.mqtt import session
from tests.waiting import eventually

pytestmark = pytest.mark.cloud
END = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("law"), ("emulator", "worker"), batch_seconds=0.2) as running:
        yield running


@pytest.fixture(scope="module")
def sent(cloud: Cloud) -> Simulated:
    plan = Plan({"turbofan": 4, "pump": 2}, END - timedelta(hours=30), END, seed=5, faults=every_fault(0.05), pack=20)
    return simulate(cloud.platform, plan)


@pytest.fixture(scope="module")
def verdict(cloud: Cloud, sent: Simulated) -> Verdict:
    return verify(cloud.platform, [sent.truth_file], wait_seconds=60)


def test_every_acknowledged_reading_is_in_bronze_or_in_quarantine(verdict: Verdict) -> None:
    verdict.check()
    assert verdict.place(Place.WAITING) + verdict.place(Place.QUARANTINED) == verdict.sent > 1_000
    assert verdict.place(Place.QUARANTINED) > 10


def test_every_fault_ended_where_the_simulator_meant_it_to(verdict: Verdict) -> None:
    assert [(surprise.expected, surprise.found, surprise.reading) for surprise in verdict.surprises] == []


def test_the_hops_agree_with_the_law(cloud: Cloud, sent: Simulated, verdict: Verdict) -> None:
    hops = {hop.name: hop.readings or 0 for hop in HopCounter(cloud.platform, [sent.truth_file]).read()}
    # A resend is sent twice, and the law counts it once.
    assert hops["sent"] >= verdict.sent
    assert hops["queued"] == 0
    assert hops["bronze"] >= verdict.place(Place.WAITING)
    assert hops["quarantined"] >= verdict.place(Place.QUARANTINED)
    assert hops["silver"] == 0


def test_an_object_that_vanishes_is_a_loss_of_exactly_its_readings(cloud: Cloud, sent: Simulated, verdict: Verdict) -> None:
    contract = "pump"
    files = object_files(cloud.platform, bronze(load_contracts(cloud.settings.contracts_folder)[contract]))
    readings = sum(tally.places.get(Place.WAITING, 0) for tally in verdict.tallies if tally.contract == contract)
    kept = {file: Path(file).read_bytes() for file in files.values()}
    for file in kept:
        Path(file).unlink()
    try:
        broken = verify(cloud.platform, [sent.truth_file])
    finally:
        for file, content in kept.items():
            Path(file).write_bytes(content)
    assert broken.breach(Breach.LOST) == readings > 0
    assert {violation.contract for violation in broken.violations} == {contract}


# Last: what it sends stands in no truth file, and the law would call it never sent.
def test_what_a_device_publishes_deeper_in_its_own_topic_is_quarantined(cloud: Cloud, sent: Simulated) -> None:
    device = provision(cloud.platform, ["deep-1"])["deep-1"]
    with session(cloud.platform.mqtt_endpoint(), device, "deep-1") as opened:
        for topic in ("dt/fleetlake/deep-1/pump/extra", "$aws/rules/fleetlake_telemetry/dt/fleetlake/deep-1/x/../y"):
            assert opened.publish(topic, b'{"ts": 1}') == "published: Success"
    asked = "SELECT contract, topic, reason FROM quarantine._unknown WHERE device_id = 'deep-1' ORDER BY 1"
    found = eventually(lambda: len(rows := query.sql(asked, platform=cloud.platform).rows) == 2 and rows, 20, "both are in quarantine")
    assert [tuple(row) for row in found or []] == [
        ("pump/extra", "dt/fleetlake/deep-1/pump/extra", "unknown_contract"),
        ("x/../y", "dt/fleetlake/deep-1/x/../y", "unknown_contract"),
    ]
