"""Settings: read once from the environment, refused by name, and the same again in a child process."""

import dataclasses
from pathlib import Path

import pytest

from runtime.errors import SettingsError
from runtime.settings import REPOSITORY, Settings, env_example


def test_a_variable_sets_the_field_of_its_name() -> None:
    settings = Settings.from_environment(
        {"FLEETLAKE_AIRFLOW_PORT": "8099", "FLEETLAKE_SPARK_QUICK": "no", "FLEETLAKE_BATCH_SECONDS": "0.5"}
    )
    assert (settings.airflow_port, settings.spark_quick, settings.batch_seconds) == (8099, False, 0.5)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("FLEETLAKE_AIRFLOW_PORT", "many", "FLEETLAKE_AIRFLOW_PORT is 'many'; it must be a whole number"),
        ("FLEETLAKE_SPARK_QUICK", "perhaps", "it must be true or false"),
        ("FLEETLAKE_PLATFORM", "moon", "it must be local or aws"),
        ("FLEETLAKE_LAEK_BUCKET", "x", "FLEETLAKE_LAEK_BUCKET is no setting"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: value})
    assert words in str(caught.value)


MUST = {
    "AWS_PORT": "between 0 and 65535",
    "MQTT_PORT": "between 0 and 65535",
    "AIRFLOW_PORT": "between 0 and 65535",
    "LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR",
    "BATCH_SECONDS": "above 0 and at most 43200",
    "BATCH_READINGS": "at least 1",
    "BATCH_BYTES": "at least 1",
    "VISIBILITY_SECONDS": "between 1 and 43200",
    "FUTURE_SECONDS": "between 0 and 315360000",
    "SPARK_MEMORY": "a size such as 512m or 2g",
    "SPARK_MASTER": "local, local[N], local[*], yarn, spark://… or k8s://…",
    "TOPIC_PREFIX": "the beginning of a topic, without + and #, and without / at its ends",
    "TIME_SERIES_STORE": "influxdb or timestream",
    "INFLUX_URL": "empty or an address such as https://host:8086, without a user in it",
    "INFLUX_BUCKET": "a name of letters, digits, _ and - that begins with a letter",
    "BIND_ADDRESS": "an IPv4 address such as 127.0.0.1",
    "REGION": "an AWS region such as eu-central-1",
    "ACCOUNT": "the 12 digits of an AWS account",
    "LAKE_BUCKET": "the name of an S3 bucket: 3 to 63 of a-z, 0-9, . and -, a letter or digit at its ends, no .. and no IP address",
    "TELEMETRY_QUEUE": "the name of an SQS queue: 1 to 80 letters, digits, _ and -",
    "ERROR_QUEUE": "the name of an SQS queue: 1 to 80 letters, digits, _ and -",
    "DEAD_LETTER_QUEUE": "the name of an SQS queue: 1 to 80 letters, digits, _ and -",
    "RULE_NAME": "the name of an IoT rule: 1 to 128 letters, digits and _",
    "WAREHOUSE": "empty, file:///folder or s3://bucket/folder",
    "AWS_ENDPOINT": "empty or an address such as https://host:8086, without a user in it",
    "MQTT_HOST": "empty or the name of a host, without scheme and port",
    "HOME": "a folder; this machine knows of no home of that user",
    "CACHE": "a folder; this machine knows of no home of that user",
}


def cases(*lines: str) -> list[tuple[str, str]]:
    """Setting and value of lines such as ``AWS_PORT -1 65536``; '' is the empty value."""
    return [(name, "" if value == "''" else value) for name, *values in map(str.split, lines) for value in values]


@pytest.mark.parametrize(
    ("name", "value"),
    cases(
        "AWS_PORT -1 65536 99999",
        "MQTT_PORT -1 65536",
        "AIRFLOW_PORT -8080 65536",
        "LOG_LEVEL LOUD debug 10 ''",
        "BATCH_SECONDS 0 -0.1 nan inf 43201",
        "BATCH_READINGS 0 -5",
        "BATCH_BYTES 0 -1",
        "VISIBILITY_SECONDS 0 43201",
        "FUTURE_SECONDS -1 nan inf 315360001",
        "SPARK_MEMORY 2 lots g 0g -2g 2.5g ''",
        "SPARK_MASTER locally local[] local[0] local[two] spark:// k8s:// mesos://here ''",
        "TOPIC_PREFIX dt/+ dt/# /dt dt/ / ''",
        "TIME_SERIES_STORE sqlite InfluxDB ''",
        "INFLUX_URL host:8086 ftp://host https://me:word@host https://host?org=x",
        "INFLUX_BUCKET _fleet 9fleet a/b ''",
        "BIND_ADDRESS 300.1.1.1 127.0.0 localhost ::1 ''",
        "REGION moon us-east US-EAST-1 us_east_1 ''",
        "ACCOUNT 12345678901 1234567890123 123456789abc ''",
        f"LAKE_BUCKET ab Lake my_lake -lake lake- lake. a..b 192.168.5.4 {'a' * 64} lake/x ''",
        f"TELEMETRY_QUEUE a.b fleet.fifo größe {'q' * 81} ''",
        "ERROR_QUEUE a/b ''",
        "DEAD_LETTER_QUEUE a:b ''",
        f"RULE_NAME fleet-lake a.b {'r' * 129} ''",
        "WAREHOUSE /lake lake s3:// file://lake http://host/lake",
        "AWS_ENDPOINT localhost:4566 http:// ftp://host http://host:port http://host:70000 http://me@host",
        "MQTT_HOST mqtts://host host:8883 host/x",
        "HOME ~nobody-of-that-name/x",
        "CACHE ~nobody-of-that-name",
    ),
)
def test_a_value_that_could_not_work_is_refused_with_what_it_must_be(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({f"FLEETLAKE_{name}": value})
    assert str(caught.value) == f"settings: FLEETLAKE_{name} is {value!r}; it must be {MUST[name]}"


@pytest.mark.parametrize(
    ("name", "value"),
    cases(
        "AWS_PORT 0 1 65535",
        "LOG_LEVEL DEBUG INFO WARNING ERROR",
        "BATCH_SECONDS 0.001 43200",
        "BATCH_READINGS 1",
        "BATCH_BYTES 1",
        "VISIBILITY_SECONDS 1 43200",
        "FUTURE_SECONDS 0 315360000",
        "SPARK_MEMORY 512m 2g 2G 16g",
        "SPARK_MASTER local local[1] local[16] local[*] yarn spark://host:7077 k8s://https://host:443",
        "TOPIC_PREFIX dt dt/fleetlake a/b/c",
        "BIND_ADDRESS 0.0.0.0 127.0.0.2 192.168.1.20",
        "REGION eu-central-1 us-gov-west-1 ap-southeast-5 us-isob-east-1",
        "ACCOUNT 000000000000 123456789012",
        f"LAKE_BUCKET abc my.lake-2 0lake0 1.2.3.4.5 {'a' * 63}",
        f"TELEMETRY_QUEUE q a_B-9 {'q' * 80}",
        f"RULE_NAME r Fleet_9 {'r' * 128}",
        "WAREHOUSE '' file:///lake s3://lake/warehouse",
        "AWS_ENDPOINT '' http://127.0.0.1:4566 https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/",
        "MQTT_HOST '' 127.0.0.1 abc-ats.iot.eu-central-1.amazonaws.com",
    ),
)
def test_a_value_at_the_edge_of_what_works_is_taken(name: str, value: str) -> None:
    field = name.lower()
    taken = getattr(Settings.from_environment({f"FLEETLAKE_{name}": value}), field)
    assert taken == type(taken)(value)


def test_every_default_is_itself_accepted() -> None:
    assert Settings.from_environment(Settings().environment()) == Settings.from_environment({})


def test_a_child_process_gets_the_same_settings(tmp_path: Path) -> None:
    settings = Settings.from_environment({"FLEETLAKE_HOME": str(tmp_path), "FLEETLAKE_DEBUG": "true", "FLEETLAKE_LAKE_BUCKET": "other"})
    assert Settings.from_environment(settings.environment()) == settings


def test_folders_are_absolute_wherever_the_process_stands() -> None:
    settings = Settings.from_environment({"FLEETLAKE_HOME": "state", "FLEETLAKE_CACHE": "~/cache"})
    assert settings.home == Path.cwd() / "state"
    assert settings.cache == Path.home() / "cache"


def test_the_state_is_the_checkouts_from_whatever_folder_a_command_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({}).home == REPOSITORY / ".fleetlake"


@pytest.mark.parametrize("name", ["home", "cache", "contracts_folder", "dags_folder"])
def test_an_empty_folder_is_the_default_and_not_the_folder_one_stands_in(name: str) -> None:
    # .env.example shows the folders of the checkout empty, so that somebody will set them so.
    empty = Settings.from_environment({f"FLEETLAKE_{name.upper()}": ""})
    assert getattr(empty, name) == getattr(Settings.from_environment({}), name)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(SettingsError, match=r"FLEETLAKE_HOME is '.*/home'; it must be a folder, and that is a file"):
        Settings.from_environment({"FLEETLAKE_HOME": str(tmp_path / "home")})


def test_the_example_file_names_no_folder_of_this_machine() -> None:
    assert str(REPOSITORY) not in env_example()
    assert "# FLEETLAKE_HOME=\n" in env_example()
    assert env_example().count("=") == len(dataclasses.fields(Settings))
