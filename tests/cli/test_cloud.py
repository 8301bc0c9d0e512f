"""`fleetlake up`, `status` and `down`, as a person types them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.cloud import app
from cli.main import run
from local.instance import Instance
from local.provisioning import provision
from runtime.settings import REPOSITORY
from tests.cloud import running_cloud
from tests.ingestion.bench import Bench, bench
from tests.local.mqtt import session
from tests.waiting import eventually


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    # Wide enough that no row of a table is broken.
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_status_and_down_of_a_home_where_nothing_runs_say_so(home: Path) -> None:
    status = CliRunner().invoke(app, ["status"])
    assert (status.exit_code, "is not running; `fleetlake up` starts it" in status.output) == (0, True)
    assert json.loads(CliRunner().invoke(app, ["status", "--json"]).output)["processes"] == []
    down = CliRunner().invoke(app, ["down"])
    assert (down.exit_code, down.output.strip()) == (0, "it was not running")


@pytest.mark.cloud
def test_status_shows_processes_ports_addresses_and_hops(home: Path) -> None:
    with running_cloud(home, ["emulator", "worker"], contracts_folder=REPOSITORY / "contracts") as cloud:
        files = provision(cloud.platform, ["room-1"])["room-1"]
        with session(cloud.platform.mqtt_endpoint(), files, "room-1") as device:
            device.publish("dt/fleetlake/room-1/environment", b"not JSON")
        eventually(lambda: {hop["name"]: hop["readings"] for hop in told()["hops"]}["quarantined"] == 1, 20, "it is quarantined")
        facts = told()
        shown = CliRunner().invoke(app, ["status"]).output
    assert [(row["name"], row["state"]) for row in facts["processes"]] == [("emulator", "healthy"), ("worker", "healthy")]
    assert [hop["name"] for hop in facts["hops"]] == ["sent", "queued", "bronze", "quarantined", "silver", "time series"]
    mqtt_port = facts["endpoints"]["mqtt_port"]
    assert mqtt_port in facts["processes"][0]["ports"]
    assert f"127.0.0.1:{mqtt_port} (mutual TLS)" in shown
    assert "quarantined" in shown


@pytest.mark.cloud
def test_status_tells_how_old_what_waits_is_where_no_worker_runs_and_takes_no_try(home: Path) -> None:
    with running_cloud(home) as cloud:
        sqs = cloud.platform.client("sqs")
        urls = {
            name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in (cloud.settings.telemetry_queue, cloud.settings.error_queue)
        }
        assert told()["signals"]["oldest_seconds"] == {}
        for url in urls.values():
            sqs.send_message(QueueUrl=url, MessageBody="hello")
        eventually(lambda: 2 <= told()["signals"]["oldest_seconds"].get("telemetry", 0) < 60, 20, "the age of the telemetry queue is told")
        assert set(told()["signals"]["oldest_seconds"]) == {"telemetry", "errors"}
        assert "age of the oldest: telemetry " in CliRunner().invoke(app, ["status"]).output
        (entry,) = sqs.receive_message(QueueUrl=urls[cloud.settings.telemetry_queue], AttributeNames=["All"])["Messages"]
        assert entry["Attributes"]["ApproximateReceiveCount"] == "1"
        sqs.delete_message(QueueUrl=urls[cloud.settings.telemetry_queue], ReceiptHandle=entry["ReceiptHandle"])
        assert set(told()["signals"]["oldest_seconds"]) == {"errors"}


def told() -> dict[str, Any]:
    return dict(json.loads(CliRunner().invoke(app, ["status", "--json"]).output))


@pytest.mark.parametrize("home", ["/proc/x", "/dev/null/x"])
def test_up_in_a_home_that_cannot_be_written_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: str
) -> None:
    monkeypatch.setenv("FLEETLAKE_HOME", home)
    assert run(["up"]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"fleetlake: laptop's cloud in {home}: ")
    assert said.endswith("; set FLEETLAKE_HOME to a folder you can write")


def test_status_of_the_platform_aws_tells_of_queues_and_tables_and_of_no_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("FLEETLAKE_PLATFORM", "aws")
    with bench(tmp_path) as made:
        made.platform.client("sqs").create_queue(QueueName=made.platform.settings.error_queue)
        made.send("one", "two")
        put_age(made, 75.0)
        facts, shown = told(), CliRunner().invoke(app, ["status"]).output
    assert (facts["processes"], facts["signals"]["depth"]) == ([], {"telemetry": 2, "errors": 0, "dead letters": 0})
    assert facts["signals"]["oldest_seconds"] == {"telemetry": 75.0}
    hops = {hop["name"]: hop["readings"] for hop in facts["hops"]}
    # No table was made yet; objects are counted on a laptop alone, and no store of time series is set up here.
    assert hops == {"sent": None, "queued": 2, "bronze": None, "quarantined": None, "silver": 0, "time series": None}
    assert "age of the oldest: telemetry 75 s" in shown
    assert "laptop" not in shown


def put_age(made: Bench, seconds: float) -> None:
    """As SQS tells CloudWatch."""
    dimensions = [{"Name": "QueueName", "Value": made.platform.settings.telemetry_queue}]
    datum = {"MetricName": "ApproximateAgeOfOldestMessage", "Dimensions": dimensions, "Value": seconds, "Timestamp": datetime.now(UTC)}
    made.platform.client("cloudwatch").put_metric_data(Namespace="AWS/SQS", MetricData=[datum])


def without_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("FLEETLAKE_PLATFORM", "aws")
    # Nobody listens there.
    monkeypatch.setenv("FLEETLAKE_AWS_ENDPOINT", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # Another test's catalog has found credentials, and is kept.
    monkeypatch.setenv("FLEETLAKE_REGION", "eu-west-3")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


def test_status_of_the_platform_aws_without_access_shows_that_nobody_knows_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_access(tmp_path, monkeypatch)
    shown = CliRunner().invoke(app, ["status"])
    assert (shown.exit_code, "messages in the queues: ?" in shown.output) == (0, True)
    assert shown.output.splitlines()[-1] == (
        "the queues cannot be asked: Unable to locate credentials; "
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the process a role"
    )


@pytest.mark.parametrize(("has_credentials", "remedy"), [(False, "set AWS_PROFILE"), (True, "is it there, in region eu-west-3")])
def test_on_aws_a_dead_letter_queue_that_cannot_be_asked_is_no_matter_of_a_laptop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], has_credentials: bool, remedy: str
) -> None:
    without_access(tmp_path, monkeypatch)
    if has_credentials:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert run(["dead-letter", "list"]) == 1
    said = capsys.readouterr().err
    assert remedy in said
    assert "laptop" not in said


def test_up_beside_a_demo_says_whose_cloud_it_is(home: Path) -> None:
    instance = Instance(home)
    instance.claim()
    try:
        instance.tell(state="running", by="`fleetlake demo`")
        said = CliRunner().invoke(app, ["up"]).output
    finally:
        instance.release()
    assert said.splitlines()[0] == "it is running already; it is that of `fleetlake demo` and stops with it"


def test_status_names_a_damaged_line_of_truth_and_shows_the_rest(home: Path) -> None:
    (home / "cloud" / "s3").mkdir(parents=True)
    (home / "truth").mkdir()
    (home / "truth" / "t.jsonl").write_text('{"kind": "run"}\nnonsense\n')
    said = CliRunner().invoke(app, ["status"])
    assert (said.exit_code, "how far readings have come" in said.output) == (0, True)
    assert f"truth {home}/truth/t.jsonl, line 2: it is not what the simulator writes" in said.output


def test_status_tells_in_a_line_why_it_stopped(home: Path) -> None:
    Instance(home).tell(state="stopped", why="emulator ended (killed by SIGKILL); the end of its log /h/emulator.log:\n  a line\n  another")
    said = CliRunner().invoke(app, ["status"]).output
    assert said.splitlines()[-1] == "it stopped because of: emulator ended (killed by SIGKILL); see the end of its log /h/emulator.log"
