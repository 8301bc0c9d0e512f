"""Every setting of fleetlake, read from the environment once at each process's edge and passed down.

The variable of a field is its name in capitals behind ``FLEETLAKE_``: ``lake_bucket`` is ``FLEETLAKE_LAKE_BUCKET``.
"""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent
PREFIX = "FLEETLAKE_"


def _setting(default: Any, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True)
class Settings:
    platform: str = _setting("local", "where it runs: local or aws")
    home: Path = _setting(Path(".fleetlake"), "folder of all state on a laptop; `make clean` removes it")
    cache: Path = _setting(Path("~/.cache/fleetlake"), "downloads that are kept between checkouts (Iceberg jars)")
    contracts_folder: Path = _setting(REPOSITORY / "contracts", "folder of the contract YAML files")
    dags_folder: Path = _setting(REPOSITORY / "dags", "folder of the DAG files of the laptop's Airflow")
    region: str = _setting("us-east-1", "AWS region")
    account: str = _setting("000000000000", "AWS account; the laptop's cloud has this one")
    lake_bucket: str = _setting("fleetlake-lake", "S3 bucket of bronze, quarantine and models")
    warehouse: str = _setting("", "root of the Iceberg tables; empty: the platform's own place")
    telemetry_queue: str = _setting("fleetlake-telemetry", "SQS queue that the IoT rule writes")
    error_queue: str = _setting("fleetlake-telemetry-errors", "SQS queue of the IoT rule's error action")
    dead_letter_queue: str = _setting("fleetlake-telemetry-dead", "SQS dead-letter queue of the telemetry queue")
    rule_name: str = _setting("fleetlake_telemetry", "name of the IoT rule")
    topic_prefix: str = _setting("dt/fleetlake", "MQTT topics are {topic_prefix}/{device_id}/{contract}")
    aws_endpoint: str = _setting("", "endpoint of AWS calls; empty: AWS itself, or the running laptop's cloud")
    mqtt_host: str = _setting("", "MQTT broker; empty: the account's data endpoint, or the running laptop's cloud")
    mqtt_port: int = _setting(0, "MQTT port (mTLS); 0: 8883, or the running laptop's cloud")
    bind_address: str = _setting("127.0.0.1", "address the laptop's cloud listens on")
    aws_port: int = _setting(0, "port of the emulator's AWS endpoint; 0: any free one")
    airflow_port: int = _setting(0, "port of the Airflow UI; 0: 8080 if free, else any free one")
    batch_readings: int = _setting(20_000, "the worker writes a bronze object at the latest after so many readings")
    batch_bytes: int = _setting(8 * 1024 * 1024, "… or so many bytes of messages")
    batch_seconds: float = _setting(2.0, "… or so many seconds")
    visibility_seconds: int = _setting(60, "SQS visibility timeout of the worker; extended at half of its life")
    future_seconds: float = _setting(900.0, "a reading further ahead of its arrival than this is quarantined")
    spark_master: str = _setting("local[2]", "Spark master of local jobs")
    spark_memory: str = _setting("2g", "driver memory of local jobs")
    spark_quick: bool = _setting(True, "JVM flags and plans that make jobs of seconds faster and long ones slower")
    emr_application: str = _setting("", "id of the EMR Serverless application (aws)")
    emr_role: str = _setting("", "execution role ARN of Spark jobs (aws)")
    emr_archive: str = _setting("", "s3:// folder with fleetlake.zip, main.py and the Python environment (aws)")
    training_image: str = _setting("", "container image of SageMaker training (aws)")
    training_role: str = _setting("", "execution role ARN of SageMaker training (aws)")
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    debug: bool = _setting(False, "show tracebacks")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process.

        Raises SettingsError for a variable that is unknown or does not parse.
        """
        values = os.environ if environ is None else environ
        given = {name[len(PREFIX) :].lower(): text for name, text in values.items() if name.startswith(PREFIX)}
        known = {f.name: f for f in dataclasses.fields(cls)}
        for name in given.keys() - known.keys() - {"data"}:
            raise SettingsError(f"settings: {PREFIX}{name.upper()} is no setting; .env.example lists them all")
        parsed = {name: _parse(name, known[name].default, text) for name, text in given.items() if name in known}
        settings = cls(**parsed)
        if settings.platform not in ("local", "aws"):
            raise SettingsError(f"settings: {PREFIX}PLATFORM is {settings.platform!r}; it must be local or aws")
        return dataclasses.replace(
            settings,
            home=settings.home.expanduser().absolute(),
            cache=settings.cache.expanduser().absolute(),
            contracts_folder=settings.contracts_folder.expanduser().absolute(),
            dags_folder=settings.dags_folder.expanduser().absolute(),
        )

    def environment(self) -> dict[str, str]:
        """The variables that give a child process the same settings."""
        return {PREFIX + f.name.upper(): _text(getattr(self, f.name)) for f in dataclasses.fields(self)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _parse(name: str, default: Any, text: str) -> Any:
    try:
        if isinstance(default, bool):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}[text.strip().lower()]
        return type(default)(text) if not isinstance(default, Path) else Path(text)
    except (KeyError, ValueError):
        kind = {"bool": "true or false", "int": "a whole number", "float": "a number"}.get(type(default).__name__, type(default).__name__)
        raise SettingsError(f"settings: {PREFIX}{name.upper()} is {text!r}; it must be {kind}") from None


def env_example() -> str:
    """The text of .env.example: every setting with its default and its meaning."""
    lines = ["# Every setting of fleetlake with its default. Copy to .env and change what you need; the Makefile exports it.", ""]
    for f in dataclasses.fields(Settings):
        default = "" if isinstance(f.default, Path) and f.default.is_relative_to(REPOSITORY) else _text(f.default)
        lines += [f"# {f.metadata['description']}", f"# {PREFIX}{f.name.upper()}={default}", ""]
    return "\n".join(lines)
