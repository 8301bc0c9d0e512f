"""A worker whose services hang or are away: it tells that it lives, ends in time when it is asked to, and tells that it ended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.worker_process import run
from local.health import trouble
from runtime.settings import REPOSITORY, Settings
from tests.faults.proxy import Fault, Kind, Proxy
from tests.faults.stand_in import StandIn
from tests.ingestion.builders import body, contracts_in, pack, reading
from tests.waiting import eventually

pytestmark = pytest.mark.long


@dataclass
class Running:
    settings: Settings
    stand_in: StandIn
    faults: list[Fault]
    stopping: threading.Event = field(default_factory=threading.Event)
    codes: list[int] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        file = self.settings.home / "run" / "worker.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def stop(self) -> float:
        """How long it took to end."""
        began = time.monotonic()
        self.stopping.set()
        eventually(lambda: bool(self.codes), 30, "the worker has ended")
        return time.monotonic() - began


@contextmanager
def running(home: Path, *faults: Fault, **changes: Any) -> Iterator[Running]:
    stand_in = StandIn()
    for count in range(15):
        stand_in.send(body(pack(reading(count))))
    proxy = Proxy(stand_in, list(faults))
    settings = replace(
        Settings(), home=home, contracts_folder=home / "contracts", aws_endpoint=proxy.endpoint, batch_seconds=0.05, **changes
    )
    contracts_in(settings.contracts_folder)
    made = Running(settings, stand_in, list(faults))
    thread = threading.Thread(target=lambda: made.codes.append(run(settings, made.stopping)), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.stopping.set()
        thread.join(30)
        proxy.close()


def test_a_worker_whose_put_hangs_gives_its_batch_up_when_its_time_is_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path, Fault(Kind.SLOW, "put_bronze", times=100, seconds=8), drain_seconds=1.0) as worker:
        eventually(lambda: worker.faults[0].fired > 0, 10, "the put hangs")
        assert worker.stop() < 5
        assert worker.codes == [1]
        assert len(worker.stand_in.left()) == 15
    assert (
        "stop: the batch in hand was not written within 1 s (FLEETLAKE_DRAIN_SECONDS), and is given up: 15 messages come back"
        in caplog.text
    )


def test_a_worker_that_waits_for_s3_says_so_and_is_well_until_it_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path, Fault(Kind.ERROR_503, "put_bronze", times=10_000), drain_seconds=1.0) as worker:
        eventually(lambda: bool(worker.told().get("retrying")), 20, "it tells what it tries again")
        assert worker.told()["retrying"].startswith("PutObject since 20")
        at = worker.told()["at"]
        eventually(lambda: worker.told()["at"] > at, 10, "it goes on to tell")
        assert trouble("worker", worker.settings) is None
        worker.stop()
        assert trouble("worker", worker.settings) == "it has ended"
        assert worker.told()["ended"] is True
    lines = [record.getMessage() for record in caplog.records if "attempt" in record.getMessage()]
    # However often it is tried: at most one each ten seconds.
    assert len(lines) == 1
    assert lines[0].startswith("PutObject: attempt 1 failed: An error occurred (SlowDown)")


def test_a_service_that_answers_again_is_no_longer_told(tmp_path: Path) -> None:
    with running(tmp_path, Fault(Kind.ERROR_503, "put_bronze", times=1)) as worker:
        eventually(lambda: worker.stand_in.left() == [], 20, "all is written")
        eventually(lambda: worker.told().get("deleted") == 15, 10, "it is told")
        # The stand-in knows no ListObjectsV2, which is asked for afterwards.
        assert (worker.faults[0].fired, "PutObject" in str(worker.told()["retrying"])) == (1, False)
        worker.stop()
        assert worker.codes == [0]


def test_the_end_of_patience_says_how_long_what_was_tried_and_what_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("runtime.client_config.RETRIES", {"mode": "standard", "max_attempts": 1})
    with running(tmp_path, Fault(Kind.ERROR_503, "put_bronze", times=10_000), drain_seconds=1.0, retry_seconds=0.0) as worker:
        eventually(lambda: bool(worker.codes), 60, "the worker has ended")
        assert worker.codes == [1]
    assert "tried for 0 s (FLEETLAKE_RETRY_SECONDS): An error occurred (SlowDown) when calling the PutObject operation" in caplog.text
    assert "; 15 messages are held, and come back within 60 s" in caplog.text


def test_a_worker_that_is_told_of_nobody_is_not_well(tmp_path: Path) -> None:
    assert trouble("worker", replace(Settings(), home=tmp_path)) == "it has not written its state yet"


def test_an_error_queue_that_is_gone_ends_the_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path) as worker:
        eventually(lambda: worker.stand_in.left() == [], 20, "all is written")
        worker.stand_in.gone.add(worker.settings.error_queue)
        eventually(lambda: bool(worker.codes), 20, "the worker has ended")
        assert worker.codes == [1]
    assert "error queue: ReceiveMessage: there is no such queue" in caplog.text


def test_a_process_whose_calls_hang_ends_with_its_code(tmp_path: Path) -> None:
    proxy = Proxy(stand_in := StandIn(), [Fault(Kind.SLOW, "delete", times=100, seconds=12)])
    stand_in.send(body(pack(reading(0))))
    settings = replace(
        Settings(), home=tmp_path, contracts_folder=tmp_path / "contracts", aws_endpoint=proxy.endpoint, batch_seconds=0.05, drain_seconds=1
    )
    contracts_in(settings.contracts_folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLEETLAKE_")}
    # The first call of the kind is the check at the start, which is to pass.
    proxy.faults[0].skip = 2
    worker = subprocess.Popen(
        [sys.executable, "-m", "ingestion.worker"],
        cwd=REPOSITORY,
        env=environment | settings.environment() | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: proxy.faults[0].fired > 0, 30, "a delete hangs")
        worker.send_signal(signal.SIGTERM)
        _, told = worker.communicate(timeout=8)
    finally:
        worker.kill()
        proxy.close()
    assert worker.returncode == 1
    assert "is given up: 1 messages come back within 60 s" in told
