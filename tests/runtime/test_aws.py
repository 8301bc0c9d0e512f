"""The AWS side of the seam: the same methods as the laptop's, and what they hand to AWS."""

import inspect
import shlex
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from runtime.athena import Athena
from runtime.aws import AwsPlatform
from runtime.aws_tasks import spark_job_driver
from runtime.errors import ServiceError, SettingsError
from runtime.local import LocalPlatform
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings
from runtime.timeseries_influx import InfluxTimeSeries
from runtime.timeseries_timestream import TimestreamTimeSeries
from tests.ports.influx_stand_in import influx_stand_in

AWS = {
    "FLEETLAKE_PLATFORM": "aws",
    "FLEETLAKE_REGION": "eu-central-1",
    "FLEETLAKE_LAKE_BUCKET": "lake-of-acme",
    "FLEETLAKE_EMR_ARCHIVE": "s3://code-of-acme/fleetlake/",
    "FLEETLAKE_EMR_APPLICATION": "00f1",
    "FLEETLAKE_EMR_ROLE": "arn:aws:iam::123456789012:role/spark",
}


def aws(**variables: str) -> AwsPlatform:
    platform = current_platform(Settings.from_environment(AWS | variables))
    assert isinstance(platform, AwsPlatform)
    return platform


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.mark.parametrize("side", [LocalPlatform, AwsPlatform])
def test_both_sides_have_every_method_of_the_seam_with_its_arguments(side: type) -> None:
    declared = {name: member for name, member in vars(Platform).items() if not name.startswith("_") and callable(member)}
    assert {"client", "spark_task", "time_series", "object_uri"} <= declared.keys()
    for name, member in declared.items():
        assert list(inspect.signature(getattr(side, name)).parameters) == list(inspect.signature(member).parameters), name


def test_addresses_are_of_s3_and_the_catalog_is_glue() -> None:
    platform = aws()
    assert platform.object_uri("bronze/pump/x.parquet") == "s3://lake-of-acme/bronze/pump/x.parquet"
    assert platform.catalog_properties()["type"] == "glue"
    conf = platform.spark_conf()
    assert conf["spark.sql.catalog.lake.catalog-impl"] == "org.apache.iceberg.aws.glue.GlueCatalog"
    assert conf["spark.sql.catalog.lake.warehouse"] == "s3://lake-of-acme/warehouse"
    assert "IcebergSparkSessionExtensions" in conf["spark.sql.extensions"]


@mock_aws
def test_clients_talk_to_aws_without_an_endpoint_of_ours() -> None:
    client = aws().client("s3")
    assert client.meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
    client.create_bucket(Bucket="lake-of-acme", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client.put_object(Bucket="lake-of-acme", Key="a", Body=b"1")
    assert boto3.client("s3", region_name="eu-central-1").get_object(Bucket="lake-of-acme", Key="a")["Body"].read() == b"1"


INFLUX = {"FLEETLAKE_INFLUX_URL": "https://influx.acme:8086", "FLEETLAKE_INFLUX_TOKEN": "s3cret"}


def test_the_time_series_store_is_influxdb_unless_a_setting_says_otherwise() -> None:
    assert isinstance(aws(**INFLUX).time_series(), InfluxTimeSeries)
    assert isinstance(aws(FLEETLAKE_TIME_SERIES_STORE="timestream").time_series(), TimestreamTimeSeries)


@pytest.mark.parametrize("missing", INFLUX)
def test_an_influxdb_without_address_or_token_is_refused_by_name(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is empty"):
        aws(**{name: value for name, value in INFLUX.items() if name != missing}).time_series()


@mock_aws
@pytest.mark.parametrize("secret", ["s3cret", '{"token": "s3cret", "username": "admin"}'])
def test_the_influxdb_token_may_lie_in_a_secret(secret: str) -> None:
    with influx_stand_in() as server:
        arn = boto3.client("secretsmanager", region_name="eu-central-1").create_secret(Name="influx", SecretString=secret)["ARN"]
        platform = aws(FLEETLAKE_INFLUX_URL=server.url, FLEETLAKE_INFLUX_TOKEN=arn)
        with pytest.raises(ServiceError, match="refused the token"):
            platform.time_series().count("pump")
        assert [request.headers["Authorization"] for request in server.requests] == ["Token s3cret"]


def test_the_token_is_in_no_job_and_in_no_printed_settings() -> None:
    platform = aws(**INFLUX)
    assert "s3cret" not in f"{platform.settings} {spark_job_driver(platform, ['silver'])}"


def test_a_spark_job_of_emr_runs_main_py_with_the_zip_and_the_environment() -> None:
    driver = spark_job_driver(aws(), ["silver", "--contract", "pump"])["sparkSubmit"]
    assert driver["entryPoint"] == "s3://code-of-acme/fleetlake/main.py"
    assert driver["entryPointArguments"] == ["silver", "--contract", "pump"]
    words = shlex.split(driver["sparkSubmitParameters"])
    conf = dict(word.split("=", 1) for flag, word in zip(words[::2], words[1::2], strict=True) if flag == "--conf")
    assert conf["spark.submit.pyFiles"] == "s3://code-of-acme/fleetlake/fleetlake.zip"
    assert conf["spark.emr-serverless.driverEnv.FLEETLAKE_LAKE_BUCKET"] == "lake-of-acme"
    assert conf["spark.emr-serverless.driverEnv.FLEETLAKE_PLATFORM"] == "aws"


def test_a_job_is_told_the_queues_and_where_the_time_series_token_lies() -> None:
    """Who watches the fleet asks how long messages wait, and an erasure takes a device out of both."""
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:influx"
    platform = aws(FLEETLAKE_TELEMETRY_QUEUE="of-acme", **(INFLUX | {"FLEETLAKE_INFLUX_TOKEN": arn}))
    words = shlex.split(spark_job_driver(platform, ["watch_fleet"])["sparkSubmit"]["sparkSubmitParameters"])
    told = dict(word.split("=", 1) for word in words if word.startswith("spark.emr-serverless.driverEnv.FLEETLAKE_"))
    settings = Settings.from_environment({name.rpartition(".")[2]: value for name, value in told.items()})
    assert (settings.telemetry_queue, settings.influx_token) == ("of-acme", arn)
    assert (settings.influx_url, settings.influx_org) == (platform.settings.influx_url, platform.settings.influx_org)


def test_the_operator_is_emr_serverless_deferred_and_boto_takes_its_arguments() -> None:
    from runtime.emr_task import job_name

    operator = aws().spark_task("silver", ["silver", "--contract", "pump"], retries=2)
    assert (type(operator).__name__, operator.deferrable, operator.retries) == ("EmrJobOperator", True, 2)
    # An Airflow id has up to 250 characters.
    ti = SimpleNamespace(dag_id="d" * 250, task_id="silver", run_id="r" * 250, map_index=-1, max_tries=2)
    # botocore's own model of StartJobRun is the reference.
    from botocore.session import get_session
    from botocore.validate import ParamValidator

    model = get_session().get_service_model("emr-serverless").operation_model("StartJobRun").input_shape
    wish = {
        "applicationId": operator.application_id,
        "clientToken": "t",
        "executionRoleArn": operator.execution_role_arn,
        "jobDriver": operator.job_driver,
        "configurationOverrides": operator.configuration_overrides,
        "name": job_name(operator.deployment, ti),
    }
    assert not ParamValidator().validate(wish, model).has_errors()


@mock_aws
def test_emr_takes_the_job_that_the_operator_would_start() -> None:
    platform = aws()
    emr = platform.client("emr-serverless")
    application = emr.create_application(name="fleetlake", releaseLabel="emr-7.0.0", type="SPARK")["applicationId"]
    emr.start_application(applicationId=application)
    driver = spark_job_driver(platform, ["silver", "--contract", "pump"])
    run = emr.start_job_run(applicationId=application, clientToken="t", executionRoleArn=AWS["FLEETLAKE_EMR_ROLE"], jobDriver=driver)
    told = emr.get_job_run(applicationId=application, jobRunId=run["jobRunId"])["jobRun"]["jobDriver"]["sparkSubmit"]
    assert told["entryPointArguments"] == ["silver", "--contract", "pump"]


def test_what_aws_needs_and_nobody_gave_is_named() -> None:
    with pytest.raises(SettingsError, match="FLEETLAKE_EMR_APPLICATION is empty"):
        aws(FLEETLAKE_EMR_APPLICATION="").spark_task("silver", ["silver"])


@mock_aws
def test_the_broker_is_the_accounts_own_data_endpoint() -> None:
    host, port = aws().mqtt_endpoint()
    assert host.endswith(".iot.eu-central-1.amazonaws.com")
    assert port == 8883


def test_each_client_names_itself_and_waits_for_a_call_as_all_others_do() -> None:
    for platform in (aws(), LocalPlatform(Settings(aws_endpoint="http://127.0.0.1:9"))):
        config = platform.client("sqs").meta.config
        assert config.user_agent.startswith("fleetlake ")
        assert config.retries["mode"] == "standard"
        assert config.retries["total_max_attempts"] == 6


def test_queries_are_answered_by_athena_and_on_a_laptop_by_the_process_itself() -> None:
    assert isinstance(aws().query_engine(), Athena)
    assert LocalPlatform(Settings()).query_engine() is None


@mock_aws
def test_a_topic_is_of_the_account_that_the_role_is_of_unless_its_arn_is_given() -> None:
    assert aws().alarm_topic_arn() == "arn:aws:sns:eu-central-1:123456789012:fleetlake-alarms"
    arn = "arn:aws-cn:sns:cn-north-1:210987654321:night"
    assert aws(FLEETLAKE_ALARM_TOPIC=arn).alarm_topic_arn() == arn
