"""What the worker tells of itself: its status file, its metrics, its log."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingestion.contract_folder import ContractFolder
from ingestion.retry import Patience
from ingestion.worker import Worker
from tests.ingestion.bench import Bench, refusal
from tests.ingestion.builders import body, pack, reading
from tests.runtime.emf import check_line


def test_the_worker_tells_what_it_did(made: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.send(body(pack(reading(0), reading(1, water=500))))
    made.work()
    made.worker.drain()
    told = json.loads((tmp_path / "run" / "worker.json").read_text())
    expected = {"received": 1, "redelivered": 0, "deleted": 1, "bronze": 1, "quarantined": 1, "objects": 1, "existing": 0, "batches": 1}
    expected |= {"timeseries_failures": 0, "extended": 0, "split": 0, "failed": 0, "given_back": 0, "in_hand": 0}
    assert {name: told[name] for name in expected} == expected
    metrics = [check_line(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["source"] for line in metrics} == {"worker"}
    (by_reason,) = [line for line in metrics if "reason" in line]
    assert (by_reason["reason"], by_reason["readings_quarantined"]) == ("out_of_range", 1)
    (of_batch,) = [line for line in metrics if "readings" in line]
    figures = {name: of_batch[name] for name in ("readings", "readings_bronze", "readings_quarantined", "objects_put", "objects_existing")}
    assert figures == {"readings": 2, "readings_bronze": 1, "readings_quarantined": 1, "objects_put": 2, "objects_existing": 0}
    # The rule saw it at 17:01, and it was put at 17:30.
    assert of_batch["arrival_seconds"] == pytest.approx([1740, 1740], abs=5)
    assert len(of_batch["queue_seconds"]) == 1


def test_a_write_that_is_tried_again_is_counted_and_names_its_messages(
    made: Bench, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    refusals = [refusal(503, "SlowDown")]

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and refusals:
            raise refusals.pop()

    made.platform.fails = fails
    worker = Worker(made.platform, ContractFolder(made.folder), made.clock, patience=Patience(5.0, first=0.001, longest=0.001))
    worker.boundary = lambda name: worker.stopping.set() if name == "deleted" else None
    made.send(body(pack(reading(0)), device_id="b-7"))
    worker.run()
    lines = [check_line(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["failures"], line["retries"]) for line in lines if "failures" in line] == [(1, 1)]
    told = next(record for record in caplog.records if "trying again" in record.getMessage())
    assert (vars(told)["device_ids"], vars(told)["trace_ids"], len(vars(told)["message_ids"])) == (["b-7"], ["trace-1"], 1)
