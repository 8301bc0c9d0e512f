"""Starting, watching and stopping: nothing is left, and a crash tells why."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local import sessions, surroundings
from local.instance import Instance
from local.ports import answers
from local.provisioning import provision
from local.status import rows
from local.supervisor import Supervisor
from runtime.errors import ContractError, ServiceError, SetupError, UserError
from runtime.settings import REPOSITORY, Settings
from tests.cloud import running_cloud, settings_for
from tests.local.mqtt import session
from tests.waiting import eventually

pytestmark = pytest.mark.cloud


def processes_of(home: Path) -> list[str]:
    """Every living process of this machine that has this home in its environment, whoever is its parent."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FLEETLAKE_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
        except psutil.Error:
            continue
    return found


def is_alive(process: psutil.Process) -> bool:
    """Not so a zombie, which only waits for its parent to hear of its end."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def ports_of(endpoints: dict[str, object]) -> list[int]:
    return [int(str(endpoints["aws_endpoint"]).rsplit(":", 1)[1]), int(str(endpoints["mqtt_port"]))]


def test_leaving_the_block_leaves_no_process_and_no_open_port(tmp_path: Path) -> None:
    with running_cloud(tmp_path) as cloud:
        ports = ports_of(cloud.supervisor.endpoints)
        assert all(answers("127.0.0.1", port) for port in ports)
        assert processes_of(tmp_path)
    assert processes_of(tmp_path) == []
    assert not any(answers("127.0.0.1", port) for port in ports)
    assert Instance(tmp_path).endpoints() == {}


def test_an_interrupt_in_the_block_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), running_cloud(tmp_path):
        raise KeyboardInterrupt
    assert processes_of(tmp_path) == []


def test_what_nobody_foresaw_in_the_block_stops_everything_and_is_told(tmp_path: Path) -> None:
    with pytest.raises(MemoryError), running_cloud(tmp_path):
        raise MemoryError("no more")
    assert processes_of(tmp_path) == []
    assert "nobody foresaw, see logs/supervisor.log: MemoryError('no more')" in str((Instance(tmp_path).state() or {})["why"])


def test_a_crash_is_reported_with_its_signal_and_the_last_lines_of_its_log(tmp_path: Path) -> None:
    with running_cloud(tmp_path) as cloud:
        cloud.supervisor.check()
        with (tmp_path / "logs/emulator.log").open("a") as log:
            log.write("the last words\n")
        os.kill(cloud.supervisor.pid("emulator"), signal.SIGKILL)
        eventually(cloud.supervisor.crashed, 5, "the crash is seen")
        with pytest.raises(ServiceError, match=r"emulator ended \(killed by SIGKILL\)(.|\n)*the last words"):
            cloud.supervisor.check()
    assert processes_of(tmp_path) == []


def test_a_process_that_cannot_start_is_reported_at_once_and_all_else_is_stopped(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(ServiceError, match=rf"emulator ended \(exit code 1\)(.|\n)*cannot listen on 127.0.0.1:{port}"):
            Supervisor(settings_for(tmp_path, mqtt_port=port), ["emulator"]).start()
    assert time.monotonic() - started < 10
    assert processes_of(tmp_path) == []
    assert "Traceback" not in (tmp_path / "logs/emulator.log").read_text()


def test_a_wrong_contract_is_named_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "kiln.yaml").write_text("contract: kiln\nversion: none\n")
    settings = settings_for(tmp_path / "home", contracts_folder=tmp_path / "contracts")
    with pytest.raises(ContractError, match=r"kiln\.yaml"):
        Supervisor(settings, ["emulator", "worker"]).start()
    assert not (tmp_path / "home/logs").exists()
    assert not Instance(tmp_path / "home").is_claimed()


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "FREE_BYTES", shutil.disk_usage(tmp_path).total + 1)
    with pytest.raises(SetupError, match="MB are free on its disk"):
        Supervisor(settings_for(tmp_path), ["emulator"]).start()


def test_an_airflow_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"Airflow's UI: cannot listen on 127.0.0.1:{port}"):
            Supervisor(settings_for(tmp_path, airflow_port=port, contracts_folder=REPOSITORY / "contracts"), ["airflow"]).start()
    assert processes_of(tmp_path) == []


def test_a_second_one_in_the_same_home_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with running_cloud(tmp_path) as cloud:
        with pytest.raises(UserError, match=f"running already \\(pid {os.getpid()}\\)"):
            Supervisor(cloud.settings, ["emulator"]).start()
        cloud.supervisor.check()
        assert cloud.platform.client("s3").list_buckets()["Buckets"]


def test_two_homes_do_not_disturb_each_other(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "one") as one, running_cloud(tmp_path / "two") as two:
        one.platform.client("s3").put_object(Bucket="fleetlake-lake", Key="only-here", Body=b"")
        assert "Contents" in one.platform.client("s3").list_objects_v2(Bucket="fleetlake-lake")
        assert "Contents" not in two.platform.client("s3").list_objects_v2(Bucket="fleetlake-lake")


def test_a_killed_process_can_be_started_again_and_keeps_its_state(tmp_path: Path) -> None:
    with running_cloud(tmp_path) as cloud:
        cloud.platform.client("s3").put_object(Bucket="fleetlake-lake", Key="kept", Body=b"")
        before = cloud.supervisor.pid("emulator")
        cloud.supervisor.kill("emulator")
        cloud.supervisor.restart("emulator")
        assert cloud.supervisor.pid("emulator") != before
        cloud.supervisor.check()


def test_a_process_that_is_started_again_keeps_its_ports_however_often(tmp_path: Path) -> None:
    with running_cloud(tmp_path, ("emulator", "api")) as cloud:
        before = cloud.supervisor.endpoints
        for name in ("api", "api", "emulator"):
            cloud.supervisor.kill(name)
            cloud.supervisor.restart(name)
            assert cloud.supervisor.endpoints == before, name
        assert answers("127.0.0.1", int(before["api_url"].rsplit(":", 1)[1]))


SUPERVISE = """
import sys
from pathlib import Path
from tests.cloud import running_cloud
with running_cloud(Path(sys.argv[1])) as cloud:
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_when_the_supervisor_is_killed_the_kernel_ends_its_processes(tmp_path: Path) -> None:
    supervising = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(tmp_path)], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert supervising.stdin
    assert supervising.stdout
    assert supervising.stdout.readline() == "ready\n"
    ports = ports_of(Instance(tmp_path).endpoints())
    assert len(processes_of(tmp_path)) == 2
    supervising.kill()
    supervising.communicate()
    eventually(lambda: not processes_of(tmp_path), 10, "the emulator ended with its supervisor")
    eventually(lambda: not any(answers("127.0.0.1", port) for port in ports), 10, "nobody listens any more")


def sleeper(**variables: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **variables}
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env=environment)


def test_a_start_ends_what_a_killed_supervisor_has_left(tmp_path: Path) -> None:
    left, strayed = sleeper(), sleeper(LAPTOPS_CLOUD=f"{tmp_path}#airflow-scheduler")
    Instance(tmp_path).tell_processes({"worker": (left.pid, psutil.Process(left.pid).create_time())})
    with running_cloud(tmp_path):
        assert left.wait(5) == -signal.SIGKILL
        assert strayed.wait(5) == -signal.SIGKILL


def test_a_pid_that_has_become_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    other = sleeper(LAPTOPS_CLOUD=f"{tmp_path}-another#worker", FLEETLAKE_HOME=str(tmp_path))
    try:
        earlier = psutil.Process(other.pid).create_time() - 1
        assert sessions.end_leftovers(tmp_path, {"worker": (other.pid, earlier)}) == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_all_that_a_process_started_ends_with_it_in_its_session_or_out_of_it(tmp_path: Path) -> None:
    script = "import os, subprocess, sys; subprocess.Popen(['sleep', '600'], process_group=0); "
    script += "subprocess.Popen(['sleep', '600'], start_new_session=True); print('started', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    environment = {**os.environ, "LAPTOPS_CLOUD": f"{tmp_path}#worker"}
    leader = subprocess.Popen([sys.executable, "-c", script], start_new_session=True, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    assert leader.stdout.readline() == "started\n"
    family = psutil.Process(leader.pid).children(recursive=True)
    assert len(family) == 2
    assert len(sessions.end_family(leader.pid, tmp_path, "worker")) == 3
    leader.communicate()
    assert not any(is_alive(process) for process in family)


def test_a_reading_goes_from_the_socket_through_the_worker_to_bronze(tmp_path: Path) -> None:
    with running_cloud(tmp_path, ["emulator", "worker"], contracts_folder=REPOSITORY / "contracts") as cloud:
        files = provision(cloud.platform, ["room-1"])["room-1"]
        with session(cloud.platform.mqtt_endpoint(), files, "room-1") as device:
            assert device.publish("dt/fleetlake/room-1/environment", b"not JSON") == "published: Success"
        s3 = cloud.platform.client("s3")
        found = eventually(
            lambda: s3.list_objects_v2(Bucket="fleetlake-lake", Prefix="quarantine/environment/").get("Contents"), 20, "it is quarantined"
        )
        assert "reason=not_json" in found[0]["Key"]


def test_status_of_a_home_where_nothing_runs_is_empty(tmp_path: Path) -> None:
    settings: Settings = settings_for(tmp_path)
    assert rows(settings) == []
    assert json.loads(json.dumps(Instance(tmp_path).endpoints())) == {}
