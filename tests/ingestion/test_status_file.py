"""The worker's state on the disk: whole whoever writes it, and no noise where it cannot be written."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.counters import Counters, StatusFile
from runtime.settings import Settings


def test_two_workers_of_one_home_write_whole_states(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = replace(Settings(), home=tmp_path)
    files = [StatusFile(settings), StatusFile(settings)]

    def tell(file: StatusFile) -> None:
        for number in range(200):
            file.tell(Counters(received=number), {"padding": "x" * 20_000}, force=True)

    threads = [threading.Thread(target=tell, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert caplog.messages == []
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["worker.json"]
    assert json.loads((tmp_path / "run" / "worker.json").read_text())["received"] == 199


def test_a_state_that_cannot_be_written_is_said_once_until_it_can(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = StatusFile(replace(Settings(), home=tmp_path))
    (tmp_path / "run").write_text("a file where the folder should be")
    for _ in range(3):
        file.tell(Counters(), {}, force=True)
    assert len(caplog.messages) == 1
    (tmp_path / "run").unlink()
    file.tell(Counters(received=7), {}, force=True)
    assert json.loads((tmp_path / "run" / "worker.json").read_text())["received"] == 7
