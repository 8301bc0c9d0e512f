"""Calls that no other test makes under its role: an API's or an operator's whole way to AWS, with moto's AWS or a Stubber's answers behind it."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from fastapi.testclient import TestClient
from moto import mock_aws

from ingestion.projection import Projection
from lake.arrivals import heard
from lake.catalog import ensure_tables
from lake.contracts import Downsample, Retention, load_contracts
from lake.erased_device import Device
from lake.law_queues import queue_names
from lake.tables import DEVICE_HEALTH, OPS, PREDICTIONS, silver
from models import data
from models.catalogue import KINDS
from runtime.aws import AwsPlatform
from runtime.clock import FixedClock
from runtime.settings import REPOSITORY, Settings, recorded_calls
from runtime.timeseries import Point
from services.application import create
from services.composition import Services
from services.identity import Tokens
from services.shadow.fleet_shadow import FleetShadows
from services.telemetry.readings import LakeReadings
from spark_jobs import erase, watch_fleet
from spark_jobs.quality_alarms import Kind, tell_verdict
from tests.infra.athena import ATHENA, REGION, athena_that_answers, athena_that_does_not_say_how_it_goes
from tests.ports.influx_stand_in import ORG, TOKEN, influx_stand_in
from tests.recorded_calls import recorded
from tests.services.people import NOW, NamesAsTokens
from tests.services.tables import create_tables

CONTRACTS = load_contracts(REPOSITORY / "contracts")
PUMP = CONTRACTS["pump"]
FORGOTTEN = dataclasses.replace(PUMP, timeseries=Retention(keep_days=30))
THINNED = dataclasses.replace(PUMP, timeseries=Retention(keep_days=30, downsample=Downsample(every_seconds=3600, keep_days=300)))


class Deployed(AwsPlatform):
    """AWS with a catalog in a file; `athena` is a client whose answers a test gives."""

    def __init__(self, settings: Settings, athena: Any = None) -> None:
        super().__init__(settings)
        if athena:
            self._clients["athena"] = athena

    def catalog_properties(self) -> dict[str, str]:
        folder = self.settings.home
        return {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}


class SignedInByName(Services):
    @property
    def tokens(self) -> Tokens:  # type: ignore[override] # as it is used: a cached property in Services
        return NamesAsTokens()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = Settings(platform="aws", region=REGION, home=tmp_path, account="123456789012")
        create_tables(boto3.client("dynamodb", region_name=REGION), made)
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=made.lake_bucket)
        boto3.client("iot", region_name=REGION).create_policy(policyName=made.device_policy, policyDocument=json.dumps({"Statement": []}))
        boto3.client("timestream-write", region_name=REGION).create_database(DatabaseName=made.timestream_database)
        yield made


@contextmanager
def with_influx(settings: Settings) -> Iterator[Settings]:
    """A deployment whose InfluxDB's token lies in a secret."""
    with influx_stand_in() as server:
        secret = boto3.client("secretsmanager", region_name=REGION).create_secret(Name="influx-token", SecretString=TOKEN)["ARN"]
        yield dataclasses.replace(settings, influx_url=server.url, influx_org=ORG, influx_token=secret)


def calls_of(role: str) -> set[tuple[str, str]]:
    """What was recorded by now in this run of tests: service and operation."""
    folder = recorded_calls()
    assert folder
    return {(service, operation) for under, service, operation in recorded(folder) if under == role}


def test_fleet_shadows_ask_athena_and_end_what_they_cannot_wait_for(settings: Settings) -> None:
    with with_influx(settings) as told:
        platform = Deployed(told, athena_that_answers(("varchar", 3), ("varchar", 7)))
        ensure_tables(platform, (DEVICE_HEALTH, PREDICTIONS))
        assert FleetShadows(platform).wanted() == {}
        with pytest.raises(ClientError, match="InternalServerException"):
            FleetShadows(Deployed(told, athena_that_does_not_say_how_it_goes())).wanted()
    assert calls_of("fleet-shadow") >= ATHENA | {("secretsmanager", "GetSecretValue")}


def test_the_api_asks_athena_for_old_readings_and_ends_what_it_cannot_wait_for(settings: Settings) -> None:
    platform = Deployed(settings, athena_that_answers(("timestamp", 1)))
    ensure_tables(platform, (silver(PUMP),))
    assert LakeReadings(platform).latest(PUMP, "pump-7") is None
    with pytest.raises(ClientError, match="InternalServerException"):
        LakeReadings(Deployed(settings, athena_that_does_not_say_how_it_goes())).latest(PUMP, "pump-7")
    assert calls_of("api") >= ATHENA


def test_who_watches_the_fleet_asks_athena_what_silver_has_heard(settings: Settings) -> None:
    platform = Deployed(settings, athena_that_answers(("varchar", 2)))
    ensure_tables(platform, (silver(PUMP), *OPS))
    assert heard(platform, PUMP, NOW).arrivals == []
    with pytest.raises(ClientError, match="InternalServerException"):
        heard(Deployed(settings, athena_that_does_not_say_how_it_goes()), PUMP, NOW)
    assert calls_of("spark") >= ATHENA


def test_training_asks_athena_for_what_failed(settings: Settings) -> None:
    kind = KINDS["rul"]
    platform = Deployed(settings, athena_that_answers(("varchar", 4)))
    ensure_tables(platform, (silver(CONTRACTS[kind.events]),))
    assert data._events(platform, kind, "failure", None).empty
    with pytest.raises(ClientError, match="InternalServerException"):
        data._events(Deployed(settings, athena_that_does_not_say_how_it_goes()), kind, "failure", None)
    assert calls_of("training") >= ATHENA


def test_fleet_shadows_read_timestream(settings: Settings) -> None:
    FleetShadows(_with_timestream_of_pumps(settings))._seen(["pump-7"])
    assert calls_of("fleet-shadow") >= {("timestream-write", "DescribeTable"), ("timestream-query", "Query")}


def _with_timestream_of_pumps(settings: Settings) -> Deployed:
    platform = Deployed(dataclasses.replace(settings, time_series_store="timestream"))
    platform.time_series().write([Point("pump", "pump-7", datetime.now(UTC), {"flow": 1.0})])
    return platform


def test_what_ingests_writes_timestream_makes_its_tables_and_keeps_them_for_as_long_as_the_contract_says(settings: Settings) -> None:
    projection = Projection(Deployed(dataclasses.replace(settings, time_series_store="timestream")))
    now = datetime.now(UTC)
    rows: Any = SimpleNamespace(points=lambda: [Point("pump", "pump-7", now, {"flow": 1.0})])
    assert projection.project(rows, now) == 0
    # Moto keeps no record that a query could find: the second one ends at its answer.
    projection.keep_up({"pump": FORGOTTEN, "thinned": THINNED}, now)
    written = {("timestream-write", operation) for operation in ("WriteRecords", "CreateTable", "DescribeTable", "UpdateTable")}
    written |= {("timestream-query", "Query")}
    assert calls_of("ingest") >= written
    assert calls_of("worker") >= written


def test_what_ingests_reads_the_token_of_its_influxdb(settings: Settings) -> None:
    with with_influx(settings) as told:
        Projection(Deployed(told)).keep_up({"pump": FORGOTTEN}, datetime.now(UTC))
    assert ("secretsmanager", "GetSecretValue") in calls_of("ingest") & calls_of("worker")


@pytest.mark.parametrize("store", ["influxdb", "timestream"])
def test_a_batch_of_shadows_finds_devices_by_all_that_a_search_knows(settings: Settings, store: str) -> None:
    with with_influx(dataclasses.replace(settings, time_series_store=store)) as told:
        platform = Deployed(told) if store == "influxdb" else _with_timestream_of_pumps(told)
        http = TestClient(create(SignedInByName(platform, FixedClock(NOW)), ["devices", "shadow"]), raise_server_exceptions=False)
        assert http.post("/api/v1/devices", json={"device_id": "pump-7"}, headers=_as("operator-olga")).status_code == 201
        query = "connectivity.connected:false OR lastSeen > 2020-01-01T00:00:00Z OR shadow.reported.rpm > 1"
        for user in ("operator-olga", "admin-anna"):
            answer = http.post("/batch", json=_to_all(query), headers=_as(user))
            assert (answer.status_code, [result["device_id"] for result in answer.json()["results"]]) == (200, ["pump-7"])
        once = {"Idempotency-Key": "k-1"}
        assert http.post("/batch", json=_to_all("lastSeen >"), headers=_as("admin-anna") | once).status_code == 400
    asked = {
        "influxdb": {("secretsmanager", "GetSecretValue")},
        "timestream": {("timestream-write", "DescribeTable"), ("timestream-query", "Query")},
    }
    wanted = {("iot", "SearchIndex"), *(("dynamodb", name) for name in ("Scan", "BatchGetItem", "DeleteItem")), *asked[store]}
    assert calls_of("shadow-api") >= wanted
    assert calls_of("api") >= wanted


def _to_all(query: str) -> dict[str, Any]:
    return {"query": query, "document": {"state": {"desired": {"rpm": 900}}}}


def _as(user: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {user}"}


def test_health_is_asked_under_every_role_that_answers_it(settings: Settings) -> None:
    http = TestClient(create(Services(Deployed(settings))))
    assert http.get("/health").json()["status"] == "ready"
    asked = {("dynamodb", "DescribeTable"), ("iot", "DescribeEndpoint"), ("cognito-idp", "ListUserPools")}
    for role in ("auth-api", "shadow-api", "api"):
        assert calls_of(role) >= asked


def test_the_rights_of_a_user_of_a_group_are_found_by_looking_through_all_devices(settings: Settings) -> None:
    idp = boto3.client("cognito-idp", region_name=REGION)
    pool = idp.create_user_pool(PoolName="people")["UserPool"]["Id"]
    user = idp.admin_create_user(UserPoolId=pool, Username="olga")["User"]
    user_id = next(each["Value"] for each in user["Attributes"] if each["Name"] == "sub")
    told = dataclasses.replace(settings, user_pool=pool, user_pool_client="client", identity_pool=f"{REGION}:0")
    http = TestClient(create(SignedInByName(Deployed(told), FixedClock(NOW)), ["auth"]), raise_server_exceptions=False)
    path = f"/users/{user_id}/permissions"
    granted = http.post(f"{path}/groups", json={"groups": ["hall-3"], "rights": ["read"]}, headers=_as("admin-anna"))
    assert granted.status_code == 200, granted.text
    assert http.get(path, headers=_as("admin-anna")).status_code == 200
    assert calls_of("auth-api") >= {("dynamodb", "Scan")}


def test_a_spark_job_raises_alarms_and_tells_its_figures(settings: Settings) -> None:
    boto3.client("sns", region_name=REGION).create_topic(Name=settings.alarm_topic)
    tell_verdict(Deployed(settings), PUMP, "r1.1", Kind.HELD, "completeness: 0.75")
    told = boto3.client("cloudwatch", region_name=REGION).list_metrics(Namespace="fleetlake")["Metrics"]
    assert [(metric["MetricName"], metric["Dimensions"]) for metric in told] == [("runs_held", [{"Name": "contract", "Value": "pump"}])]
    assert calls_of("spark") >= {("sns", "Publish"), ("cloudwatch", "PutMetricData")}


def test_who_watches_the_fleet_asks_how_long_messages_have_waited(settings: Settings) -> None:
    watching: Any = SimpleNamespace(platform=Deployed(settings))
    assert watch_fleet._behind(watching, NOW) == ""
    assert calls_of("spark") >= {("cloudwatch", "GetMetricData")}


def test_an_erasure_takes_the_devices_messages_out_of_the_queues(settings: Settings) -> None:
    platform, sqs = Deployed(settings), boto3.client("sqs", region_name=REGION)
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in queue_names(platform).values()}
    for device in ("pump-7", "pump-8"):
        sqs.send_message(QueueUrl=urls[settings.telemetry_queue], MessageBody=json.dumps({"device_id": device}))
    said: list[str] = []
    work: Any = SimpleNamespace(
        lake=SimpleNamespace(platform=platform, boundary=lambda name: None), device=Device("pump-7"), say=said.append
    )
    erase._queues(work)
    assert said == [f"queue {settings.telemetry_queue}: 1 of 2 messages"]
    names = ("GetQueueUrl", "GetQueueAttributes", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
    assert calls_of("spark") >= {("sqs", name) for name in names}


def test_an_erasure_takes_the_devices_points_out_of_the_time_series(settings: Settings) -> None:
    with influx_stand_in() as server:
        token = boto3.client("secretsmanager", region_name=REGION).create_secret(Name="influx", SecretString=TOKEN)["ARN"]
        store = dataclasses.replace(settings, time_series_store="influxdb", influx_url=server.url, influx_org=ORG, influx_token=token)
        lake = SimpleNamespace(platform=Deployed(store), boundary=lambda name: None)
        work: Any = SimpleNamespace(lake=lake, device=Device("pump-7"))
        erase._time_series(work)
        assert server.requests
    assert calls_of("spark") >= {("secretsmanager", "GetSecretValue")}


def test_airflow_starts_training_follows_it_and_shows_its_log(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", "extra": {"region_name": REGION}}))
    logs = boto3.client("logs", region_name=REGION)
    group = {"logGroupName": "/aws/sagemaker/TrainingJobs"}
    logs.create_log_group(**group)
    logs.create_log_stream(**group, logStreamName="fleetlake-train-1/algo-1")
    settings = dataclasses.replace(settings, training_image="image:1", training_role="arn:aws:iam::123456789012:role/training")
    platform = Deployed(dataclasses.replace(settings, training_subnets="subnet-1,subnet-2", training_security_group="sg-1"))
    operator = platform.training_task("train", ["train", "--model", "rul"])
    operator.config["TrainingJobName"] = "fleetlake-train-1"
    training = operator.execute({})["Training"]
    assert training["TrainingJobName"] == "fleetlake-train-1"
    # The container finds the lake by what the job tells it, and by nothing else.
    assert Settings.from_environment(operator.config["Environment"]).lake_bucket == settings.lake_bucket
    assert training["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    sagemaker = {("sagemaker", "CreateTrainingJob"), ("sagemaker", "DescribeTrainingJob")}
    assert calls_of("airflow") >= sagemaker | {("logs", "DescribeLogStreams"), ("logs", "GetLogEvents")}
