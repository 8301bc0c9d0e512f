"""The supervisor on a disk that is full: it goes on, says so once, stops what it started, and the status names the disk."""

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from local import daemon, files, instance, surroundings
from local.instance import Instance
from local.supervisor import Supervisor
from runtime.settings import REPOSITORY
from tests.cloud import running_cloud, settings_for
from tests.local.test_supervisor import processes_of


class FullDisk:
    """What the small files of a home are written to; `is_full` may change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = True
        self.refused = 0
        monkeypatch.setattr(instance, "write_whole", self._write)

    def _write(self, file: Path, text: str) -> None:
        if self.is_full:
            self.refused += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        files.write_whole(file, text)


@pytest.mark.cloud
def test_a_supervisor_that_cannot_write_its_state_stops_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running_cloud(tmp_path):
        assert processes_of(tmp_path)
        disk = FullDisk(monkeypatch)
    assert disk.refused >= 3
    assert processes_of(tmp_path) == []
    assert not Instance(tmp_path).is_claimed()
    assert [record.getMessage() for record in caplog.records if record.name.endswith("supervisor")] == [
        f"tell the state of the laptop's cloud in {tmp_path}: No space left on device; it goes on, and tries again"
    ]


@pytest.mark.cloud
def test_a_crashed_worker_is_started_again_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_cloud(tmp_path, ["emulator", "worker"], contracts_folder=REPOSITORY / "contracts") as cloud:
        disk = FullDisk(monkeypatch)
        cloud.supervisor.kill("worker")
        cloud.supervisor.restart("worker")
        cloud.supervisor.check()
        assert disk.refused > 0


def test_what_could_not_be_told_is_told_as_soon_as_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk(monkeypatch)
    supervisor = Supervisor(settings_for(tmp_path), ["emulator"])
    supervisor.note_crash("worker ended (exit code 1)")
    supervisor.tell_again()
    assert Instance(tmp_path).state() is None
    disk.is_full = False
    supervisor.tell_again()
    assert (Instance(tmp_path).state() or {})["crashes"] == ["worker ended (exit code 1)"]
    assert Instance(tmp_path).processes() == {}


def test_nothing_is_told_again_where_all_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = Supervisor(settings_for(tmp_path), ["emulator"])
    supervisor.note_crash("worker ended (exit code 1)")
    disk = FullDisk(monkeypatch)
    supervisor.tell_again()
    assert disk.refused == 0


def test_a_disk_that_is_full_in_the_midst_is_the_reason_and_no_riddle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk(monkeypatch)
    disk.is_full = False
    monkeypatch.setattr(Supervisor, "start", lambda self: self.instance.claim())
    with pytest.raises(OSError, match="No space left"), Supervisor(settings_for(tmp_path), ["emulator"]):
        raise OSError(errno.ENOSPC, "No space left on device", "/h/logs/worker.log")
    assert (Instance(tmp_path).state() or {})["why"] == f"{tmp_path}: the disk is full; make room on it, then run it again"


@pytest.fixture
def short_of_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The end of what is said of a home whose disk has less room than is asked for."""
    needed = shutil.disk_usage(tmp_path).total + 1
    monkeypatch.setattr(surroundings, "FREE_BYTES", needed)
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    return f" MB are free on its disk, {needed / 1e6:.0f} are needed; make room"


def test_the_status_of_a_supervisor_that_could_not_tell_its_end_names_the_disk_and_no_killing(
    tmp_path: Path, short_of_room: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Instance(tmp_path).tell(pid=999_999_999, state="running")
    assert run(["status"]) == 0
    why, disk = capsys.readouterr().out.splitlines()[-2:]
    assert why == "it stopped because of: its supervisor (pid 999999999) ended and could not say why"
    assert disk.startswith(f"laptop's cloud in {tmp_path}: ")
    assert disk.endswith(short_of_room)


def test_the_status_says_nothing_of_a_disk_with_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(surroundings, "FREE_BYTES", 0)
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    assert run(["status"]) == 0
    assert "disk" not in capsys.readouterr().out


def test_down_of_a_cloud_whose_end_could_not_be_noted_says_that_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Instance(tmp_path)
    home.claim()
    home.tell(state="running")

    def end(_instance: Instance, _pid: int) -> None:
        home.release()

    monkeypatch.setattr(daemon, "_end", end)
    FullDisk(monkeypatch)
    assert daemon.stop(settings_for(tmp_path)) == "stopped"


def test_a_draft_that_found_no_room_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path, _text: str) -> Any:
        file.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "state.json").write_text("{}")
    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(OSError, match="No space left"):
        files.write_whole(tmp_path / "state.json", '{"new": 1}')
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]
