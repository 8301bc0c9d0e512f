"""Every setting of fleetlake, read from the environment once at each process's edge and passed down.

The variable of a field is its name in capitals behind ``FLEETLAKE_``: ``lake_bucket`` is ``FLEETLAKE_LAKE_BUCKET``.
"""

import dataclasses
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runtime.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "FLEETLAKE_"
# No setting: processes of the laptop's cloud inherit it whatever theirs are. `runtime/recorder.py` says what it is for.
RECORDED_CALLS = "RECORDED_AWS_CALLS"

# The longest that SQS hides a message, in seconds.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
_SQS_LONGEST = 43_200
_TEN_YEARS = 315_360_000


@dataclass(frozen=True)
class _Rule:
    """What the value of a setting must be; `words` end the sentence ``it must be …``."""

    words: str
    holds: Callable[[Any], bool]


def _one_of(*choices: str) -> _Rule:
    return _Rule(f"{', '.join(choices[:-1])} or {choices[-1]}", lambda value: value in choices)


def _between(low: float, high: float) -> _Rule:
    return _Rule(f"between {low} and {high}", lambda value: low <= value <= high)


def _at_least(low: int) -> _Rule:
    return _Rule(f"at least {low}", lambda value: value >= low)


def _above(low: float, high: float) -> _Rule:
    return _Rule(f"above {low} and at most {high}", lambda value: low < value <= high)


def _like(pattern: str, words: str) -> _Rule:
    return _Rule(words, lambda value: re.fullmatch(pattern, value) is not None)


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


_PORT = _between(0, 65_535)
_TOPIC = _like(r"[^+#/]([^+#]*[^+#/])?", "the beginning of a topic, without + and #, and without / at its ends")
_MASTER = _like(r"local(\[([1-9][0-9]*|\*)\])?|yarn|(spark|k8s)://.+", "local, local[N], local[*], yarn, spark://… or k8s://…")
_MEMORY = _like(r"[1-9][0-9]*[mMgG]", "a size such as 512m or 2g")
_IPV4 = _Rule("an IPv4 address such as 127.0.0.1", _is_ipv4)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not re.search(r"[\s@?#]", text)
    except ValueError:
        return False


_URL = _Rule("empty or an address such as https://host:8086, without a user in it", lambda text: not text or _is_address(text))
_HOST = _like(r"[A-Za-z0-9.-]*", "empty or the name of a host, without scheme and port")
_INFLUX_BUCKET = _like(r"[A-Za-z][A-Za-z0-9_-]{0,63}", "a name of letters, digits, _ and - that begins with a letter")
_REGION = _like(r"[a-z]{2,}(-[a-z]+)+-[0-9]+", "an AWS region such as eu-central-1")
_ACCOUNT = _like(r"[0-9]{12}", "the 12 digits of an AWS account")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; those it reserves are left to S3's own answer.
_BUCKET = _like(
    r"(?!.*\.\.)(?![0-9]+(\.[0-9]+){3}$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "the name of an S3 bucket: 3 to 63 of a-z, 0-9, . and -, a letter or digit at its ends, no .. and no IP address",
)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html; a queue here is never FIFO.
_QUEUE = _like(r"[A-Za-z0-9_-]{1,80}", "the name of an SQS queue: 1 to 80 letters, digits, _ and -")
# https://docs.aws.amazon.com/iot/latest/apireference/API_CreateTopicRule.html
_RULE_NAME = _like(r"[A-Za-z0-9_]{1,128}", "the name of an IoT rule: 1 to 128 letters, digits and _")
# https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateWorkGroup.html
_WORKGROUP = _like(r"[A-Za-z0-9._-]{1,128}", "the name of an Athena workgroup: 1 to 128 letters, digits, ., _ and -")
# https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html; a topic here is never FIFO.
_ALARM_TOPIC = _like(
    r"|(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:)?[A-Za-z0-9_-]{1,256}",
    "empty, or the name of an SNS topic (1 to 256 letters, digits, _ and -) or its ARN",
)
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_TABLE_PREFIX = _like(r"[A-Za-z0-9_.-]{1,200}", "the beginning of a DynamoDB table's name: letters, digits, _, - and .")
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolType.html
_USER_POOL = _like(r"([\w-]+_[0-9a-zA-Z]+)?", "empty, or the id of a Cognito user pool such as eu-central-1_AbCdEf123")
_CLIENT_ID = _like(r"[\w+]{0,128}", "empty, or the id of an app client: up to 128 letters, digits, _ and +")
_IDENTITY_POOL = _like(r"([\w-]+:[0-9a-f-]+)?", "empty, or the id of a Cognito identity pool such as eu-central-1:1a2b…")
# https://docs.aws.amazon.com/iot/latest/apireference/API_CreatePolicy.html
_POLICY_NAME = _like(r"[\w+=,.@-]{1,128}", "the name of an IoT policy: 1 to 128 letters, digits and _ + = , . @ -")
_WAREHOUSE = _like(r"(file:///\S+|s3://[^\s/]\S+)?", "empty, file:///folder or s3://bucket/folder")


def _setting(default: Any, description: str, must: _Rule | None = None, shown: bool = True) -> Any:
    """`shown`: whether the value may stand in what prints or logs the settings."""
    return field(default=default, repr=shown, metadata={"description": description, "must": must})


@dataclass(frozen=True)
class Settings:
    platform: str = _setting("local", "where it runs: local or aws", _one_of("local", "aws"))
    home: Path = _setting(
        REPOSITORY / ".fleetlake", "folder of all state on a laptop; empty: .fleetlake of the checkout; `make clean` removes it"
    )
    cache: Path = _setting(Path("~/.cache/fleetlake"), "downloads that are kept between checkouts (Iceberg jars)")
    contracts_folder: Path = _setting(REPOSITORY / "contracts", "folder of the contract YAML files; empty: contracts of the checkout")
    dags_folder: Path = _setting(REPOSITORY / "dags", "folder of the DAG files of the laptop's Airflow; empty: dags of the checkout")
    region: str = _setting("us-east-1", "AWS region", _REGION)
    account: str = _setting("000000000000", "AWS account; the laptop's cloud has this one", _ACCOUNT)
    lake_bucket: str = _setting("fleetlake-lake", "S3 bucket of bronze, quarantine and models", _BUCKET)
    warehouse: str = _setting("", "root of the Iceberg tables; empty: the platform's own place", _WAREHOUSE)
    telemetry_queue: str = _setting("fleetlake-telemetry", "SQS queue that the IoT rule writes", _QUEUE)
    error_queue: str = _setting("fleetlake-telemetry-errors", "SQS queue of the IoT rule's error action", _QUEUE)
    dead_letter_queue: str = _setting("fleetlake-telemetry-dead", "SQS dead-letter queue of the telemetry queue", _QUEUE)
    shadow_queue: str = _setting("fleetlake-shadows", "SQS queue of the changes of shadows, which feed their cache", _QUEUE)
    shadow_dead_letter_queue: str = _setting("fleetlake-shadows-dead", "its dead-letter queue", _QUEUE)
    alarm_topic: str = _setting(
        "fleetlake-alarms", "SNS topic of alarms, such as that a task failed: its name or ARN; empty: nobody is told", _ALARM_TOPIC
    )
    rule_name: str = _setting("fleetlake_telemetry", "name of the IoT rule", _RULE_NAME)
    device_policy: str = _setting("fleetlake-device", "name of the IoT policy that every device's certificate has", _POLICY_NAME)
    topic_prefix: str = _setting("dt/fleetlake", "MQTT topics are {topic_prefix}/{device_id}/{contract}", _TOPIC)
    aws_endpoint: str = _setting("", "endpoint of AWS calls; empty: AWS itself, or the running laptop's cloud", _URL)
    mqtt_host: str = _setting("", "MQTT broker; empty: the account's data endpoint, or the running laptop's cloud", _HOST)
    mqtt_port: int = _setting(0, "MQTT port (mTLS); 0: 8883, or the running laptop's cloud", _PORT)
    bind_address: str = _setting("127.0.0.1", "address the laptop's cloud listens on", _IPV4)
    aws_port: int = _setting(0, "port of the emulator's AWS endpoint; 0: any free one", _PORT)
    airflow_port: int = _setting(0, "port of the Airflow UI; 0: 8080 if free, else any free one", _PORT)
    api_port: int = _setting(0, "port of the APIs; 0: any free one", _PORT)
    api_url: str = _setting("", "address of the APIs, for the command line; empty: those of the running laptop's cloud", _URL)
    api_parts: str = _setting("", "routers that are served, of auth, devices, shadow and telemetry, with commas; empty: all")
    api_origins: str = _setting("", "origins of the web pages that may call the APIs (CORS), with commas; empty: none")
    api_user_rate: int = _setting(100, "calls a second that a user may make to one process of the APIs; 0: any number", _at_least(0))
    api_device_rate: int = _setting(
        20, "calls a second for one device to one process of the APIs, as AWS IoT takes for a thing's shadow; 0: any number", _at_least(0)
    )
    api_sign_in_tries: int = _setting(
        10, "tries in five minutes at one name's password, code or challenge, by one process of the APIs; 0: any number", _at_least(0)
    )
    table_prefix: str = _setting("fleetlake-", "the DynamoDB tables of the APIs are {table_prefix}{name}", _TABLE_PREFIX)
    user_pool: str = _setting("", "id of the Cognito user pool; empty: the laptop's cloud has its own", _USER_POOL)
    user_pool_client: str = _setting("", "id of the user pool's app client; empty: the laptop's cloud has its own", _CLIENT_ID)
    identity_pool: str = _setting("", "id of the Cognito identity pool; empty: the laptop's cloud has its own", _IDENTITY_POOL)
    shadow_depth: int = _setting(6, "levels of a shadow document; AWS IoT's pages say 6 and, newer ones, 8", _between(1, 8))
    batch_readings: int = _setting(50_000, "the worker writes a bronze object at the latest after so many readings", _at_least(1))
    batch_bytes: int = _setting(32 * 1024 * 1024, "… or so many bytes of messages", _at_least(1))
    batch_seconds: float = _setting(2.0, "… or so many seconds, where all that it has in hand is in it", _above(0, _SQS_LONGEST))
    visibility_seconds: int = _setting(60, "SQS visibility timeout of the worker; extended at half of its life", _between(1, _SQS_LONGEST))
    receive_calls: int = _setting(4, "receive calls that the worker has under way at most, beside what it writes", _between(1, 64))
    hand_messages: int = _setting(
        10_000, "messages that the worker holds at most; while it holds so many it receives none", _between(10, 100_000)
    )
    hand_bytes: int = _setting(64 * 1024 * 1024, "… or so many bytes of messages", _at_least(1))
    retry_seconds: float = _setting(
        3600.0,
        "how long the worker tries to write a batch while S3 or the queue is away; then it ends, and the messages come back",
        _between(0, _SQS_LONGEST),
    )
    drain_seconds: float = _setting(
        20.0,
        "how long a stopping worker tries to finish its batch, then its messages come back; ECS kills it 30 s after SIGTERM by default",
        _between(0, 120),
    )
    future_seconds: float = _setting(900.0, "a reading further ahead of its arrival than this is quarantined", _between(0, _TEN_YEARS))
    spark_master: str = _setting("local[2]", "Spark master of local jobs", _MASTER)
    spark_memory: str = _setting("2g", "driver memory of local jobs", _MEMORY)
    spark_quick: bool = _setting(True, "JVM flags and plans that make jobs of seconds faster and long ones slower")
    emr_application: str = _setting("", "id of the EMR Serverless application (aws)")
    emr_role: str = _setting("", "execution role ARN of Spark jobs (aws)")
    emr_archive: str = _setting("", "s3:// folder with fleetlake.zip, main.py and the Python environment (aws)")
    time_series_store: str = _setting(
        "influxdb",
        "time-series store on AWS: influxdb (Timestream for InfluxDB) or timestream (LiveAnalytics)",
        _one_of("influxdb", "timestream"),
    )
    influx_url: str = _setting("", "address of the InfluxDB, such as https://host:8086 (aws)", _URL)
    influx_org: str = _setting("fleetlake", "organisation in the InfluxDB (aws)")
    influx_bucket: str = _setting(
        "fleetlake", "InfluxDB buckets are {influx_bucket}_{contract}, made when first written (aws)", _INFLUX_BUCKET
    )
    influx_token: str = _setting("", "API token of the InfluxDB, or the ARN of the Secrets Manager secret that is one (aws)", shown=False)
    timestream_database: str = _setting("fleetlake", "database of Timestream for LiveAnalytics (aws)")
    athena_workgroup: str = _setting(
        "fleetlake", "Athena workgroup that answers queries; it must set a limit of bytes scanned (aws)", _WORKGROUP
    )
    training_image: str = _setting("", "container image of SageMaker training (aws)")
    training_role: str = _setting("", "execution role ARN of SageMaker training (aws)")
    training_subnets: str = _setting("", "ids of the subnets that SageMaker training runs in, by commas; empty: in SageMaker's own (aws)")
    training_security_group: str = _setting("", "id of its security group there (aws)")
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR", _one_of("DEBUG", "INFO", "WARNING", "ERROR"))
    debug: bool = _setting(False, "show tracebacks")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process.

        Raises SettingsError for a variable that is unknown, does not parse, or is not what it must be.
        """
        values = os.environ if environ is None else environ
        given = {name[len(PREFIX) :].lower(): text for name, text in values.items() if name.startswith(PREFIX)}
        known = {f.name: f for f in dataclasses.fields(cls)}
        for name in given.keys() - known.keys() - {"data"}:
            raise SettingsError(f"settings: {PREFIX}{name.upper()} is no setting; .env.example lists them all")
        parsed = {name: _value(known[name], text) for name, text in given.items() if name in known}
        settings = cls(**parsed)
        folders: dict[str, Any] = {
            name: _folder(name, getattr(settings, name)) for name, each in known.items() if isinstance(each.default, Path)
        }
        return dataclasses.replace(settings, **folders)

    def environment(self) -> dict[str, str]:
        """The variables that give a child process the same settings."""
        return {PREFIX + f.name.upper(): _text(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def changed(self) -> dict[str, str]:
        """Variables of the settings that are not their defaults, folders left out: what a process elsewhere must be told."""
        usual = Settings()
        fields = [
            f for f in dataclasses.fields(self) if not isinstance(f.default, Path) and getattr(self, f.name) != getattr(usual, f.name)
        ]
        return {PREFIX + f.name.upper(): _text(getattr(self, f.name)) for f in fields}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value(setting: "dataclasses.Field[Any]", text: str) -> Any:
    value = _parse(setting.name, setting.default, text)
    rule: _Rule | None = setting.metadata["must"]
    if rule and not rule.holds(value):
        raise _refusal(setting.name, text, rule.words)
    return value


def _parse(name: str, default: Any, text: str) -> Any:
    try:
        if isinstance(default, bool):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}[text.strip().lower()]
        if isinstance(default, Path):
            # Path("") would be the folder the process happens to stand in.
            return Path(text) if text else default
        return type(default)(text)
    except (KeyError, ValueError):
        kind = {"bool": "true or false", "int": "a whole number", "float": "a number"}.get(type(default).__name__, type(default).__name__)
        raise _refusal(name, text, kind) from None


def _folder(name: str, path: Path) -> Path:
    try:
        folder = path.expanduser().absolute()
    except RuntimeError:
        raise _refusal(name, str(path), "a folder; this machine knows of no home of that user") from None
    # Path.is_file raises where nobody may look.
    if os.path.isfile(folder):
        raise _refusal(name, str(path), "a folder, and that is a file")
    return folder


def _refusal(name: str, text: str, words: str) -> SettingsError:
    return SettingsError(f"settings: {PREFIX}{name.upper()} is {text!r}; it must be {words}")


def recorded_calls() -> Path | None:
    """The folder in which this process and its children note their calls of AWS; None, as everywhere but in test runs, where they do not."""
    folder = os.environ.get(RECORDED_CALLS)
    return Path(folder) if folder else None


def env_example() -> str:
    """The text of .env.example: every setting with its default and its meaning."""
    lines = ["# Every setting of fleetlake with its default. Copy to .env and change what you need; the Makefile exports it.", ""]
    for f in dataclasses.fields(Settings):
        default = "" if isinstance(f.default, Path) and f.default.is_relative_to(REPOSITORY) else _text(f.default)
        lines += [f"# {f.metadata['description']}", f"# {PREFIX}{f.name.upper()}={default}", ""]
    return "\n".join(lines)
