"""Every fault at once, and a worker that is killed again and again: the law holds reading by reading."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lake.law_verdict import Place
from local.simulator.fault_kinds import FOR_THE_GATE, KINDS, every_fault
from local.simulator.fleet import Simulated, simulate
from local.simulator.plan import Plan
from runtime.settings import REPOSITORY
from tests.cloud import Cloud, running_cloud
from tests.proofs import Size
from tests.proofs._journey import drained, queued, say, submitted, the_law

WHAT = "The law with every fault kind at 5 % in all and the worker killed 20 times, at least 5 of them between put and delete."
CODE = ("runtime", "ingestion", "lake", "spark_jobs", "local/simulator", "local/device.py", "local/sending.py", "contracts")
SEED = 7

# Between put and delete lie put_bronze, put_quarantine and wrote_timeseries.
_BETWEEN = ("put_bronze", "put_quarantine", "wrote_timeseries")
_KILLS = {
    Size.SMALL: ("put_bronze", "received", "wrote_timeseries"),
    Size.FULL: ("put_bronze", "received", "wrote_timeseries", "decoded", "put_quarantine", "deleted", "put_bronze", "received") * 2
    + ("put_bronze", "decoded", "wrote_timeseries", "deleted"),
}
_DAYS = {Size.SMALL: 0.5, Size.FULL: 5.0}
_DEVICES = {Size.SMALL: {"turbofan": 6, "pump": 2, "environment": 2}, Size.FULL: {"turbofan": 20, "pump": 3, "environment": 2}}


def prove(size: Size) -> dict[str, Any]:
    # Small batches, so that there is always something in hand when the worker dies; and what it had in hand is hidden for so long
    # that no message is in the hands of five workers that die: its last try would make it a dead letter.
    eager: dict[str, Any] = {"batch_readings": 150, "batch_seconds": 0.2, "visibility_seconds": 8}
    with tempfile.TemporaryDirectory(prefix="fleetlake-faults-") as folder, running_cloud(Path(folder), **eager) as cloud:
        return _prove(cloud, size)


def _prove(cloud: Cloud, size: Size) -> dict[str, Any]:
    sent = _sent_while_the_worker_dies(cloud, size)
    say(f"{sent.simulated.acknowledged} readings acknowledged, the worker killed at {dict(Counter(sent.killed))}")
    submitted(cloud, "silver", "--contract", "turbofan,pump,environment,maintenance", "--run-id", "proof")
    verdict = the_law(cloud)
    assert (verdict.in_flight, verdict.surprised) == (0, 0)
    fired = {kind for kind, count in sent.simulated.faults.items() if count}
    assert fired >= set(KINDS) - set(FOR_THE_GATE), f"these faults never fired: {set(KINDS) - set(FOR_THE_GATE) - fired}"
    assert sent.redelivered > 0
    between = sum(name in _BETWEEN for name in sent.killed)
    assert len(sent.killed) == len(_KILLS[size])
    assert between >= (5 if size is Size.FULL else 2)
    return {
        "sent": verdict.sent,
        "places": {place.value: verdict.place(place) for place in Place if verdict.place(place)},
        "surprised": verdict.surprised,
        "faults": dict(sent.simulated.faults),
        "kills": dict(Counter(sent.killed)),
        "kills_between_put_and_delete": between,
        "messages_received_again": sent.redelivered,
    }


class _Sent:
    def __init__(self, simulated: Simulated, killed: list[str], redelivered: int) -> None:
        self.simulated = simulated
        self.killed = killed
        self.redelivered = redelivered


def _sent_while_the_worker_dies(cloud: Cloud, size: Size) -> _Sent:
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    plan = Plan(_DEVICES[size], end - timedelta(days=_DAYS[size]), end, seed=SEED, faults=every_fault(0.05), pack=10)
    outcome: list[Simulated] = []
    sender = threading.Thread(target=lambda: outcome.append(simulate(cloud.platform, plan)))
    sender.start()
    killed = []
    for boundary in _KILLS[size]:
        process = _worker(cloud, "tests.ingestion.killed_worker", boundary)
        assert process.wait(120) == -signal.SIGKILL, f"the worker was not killed at {boundary}"
        # It died with messages in flight: they are hidden, not gone, unless it died right after the delete.
        assert boundary == "deleted" or queued(cloud) > 0
        killed.append(boundary)
    sender.join(300)
    assert outcome, "the simulator did not end"
    return _Sent(outcome[0], killed, _finish(cloud))


def _finish(cloud: Cloud) -> int:
    """A healthy worker until the queue is empty; how many messages it received that had been received before."""
    healthy = _worker(cloud, "ingestion.worker")
    try:
        drained(cloud)
    finally:
        healthy.terminate()
        assert healthy.wait(30) == 0
    return int(json.loads((cloud.settings.home / "run" / "worker.json").read_text())["redelivered"])


def _worker(cloud: Cloud, *module: str) -> "subprocess.Popen[bytes]":
    environment = dict(os.environ) | cloud.settings.environment() | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-m", *module], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
