"""A laptop: the emulator's AWS, files for the lake, an SQLite catalog, spark-submit beside Airflow."""

import fcntl
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.client_config import client_config
from runtime.errors import ServiceError
from runtime.recorder import noted
from runtime.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from runtime.query_engine import QueryEngine
    from runtime.timeseries import TimeSeries


# What works hard (Spark sessions, training) shares this pool of Airflow; its slots are the cores. On AWS a job has machines of its own.
COMPUTE_POOL = "compute"
# What the emulator lacks would block for ten seconds and then fail; say so at once.
_LACKING = {"timestream-write", "timestream-query", "sagemaker", "emr-serverless", "mwaa"}


class LocalPlatform:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        if service in _LACKING:
            raise ServiceError(f"client of {service}: the laptop's cloud does not have this service; it exists on AWS only")
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        client = self._session.client(
            service,
            region_name=self.settings.region,
            endpoint_url=self.aws_endpoint,
            aws_access_key_id=self.settings.account,
            aws_secret_access_key="local",  # the emulator asks for some key, any one
            config=client_config(s3={"addressing_style": "path"}),
        )
        return noted(client)

    @cached_property
    def _session(self) -> Any:
        """One for all clients, for each reads the lists of AWS's services and endpoints anew; clients are made one after another."""
        # Imported here: DAG files import this module and must stay light.
        import boto3

        # Without a profile, and no proxy: the user's AWS set-up is for AWS, and this is their own machine.
        return boto3.Session(botocore_session=_unconfigured(), region_name=self.settings.region)

    @property
    def aws_endpoint(self) -> str:
        return self.settings.aws_endpoint or str(self._endpoint("aws_endpoint"))

    def _endpoint(self, name: str) -> Any:
        """A fact about the running cloud, as its supervisor wrote it down."""
        home = self.settings.home
        try:
            # A supervisor that was killed has left its addresses; its lock the kernel has taken back.
            if is_held(home / "run" / "supervisor.lock"):
                return json.loads((home / "run" / "endpoints.json").read_text())[name]
        except (OSError, KeyError, ValueError):
            pass
        raise ServiceError(f"the laptop's cloud in {home} is not running; start it with `fleetlake up`")

    @property
    def lake_bucket(self) -> str:
        return self.settings.lake_bucket

    @property
    def object_folder(self) -> Path:
        """Where the emulator keeps the objects of the lake's bucket, each as a plain file."""
        return self.settings.home / "cloud" / "s3" / self.settings.account / self.settings.lake_bucket

    def object_uri(self, key: str) -> str:
        return (self.object_folder / key).as_uri().replace("%3D", "=")

    @property
    def catalog_file(self) -> Path:
        return self.settings.home / "lake" / "catalog.db"

    def warehouse_uri(self) -> str:
        return self.settings.warehouse or (self.settings.home / "lake" / "warehouse").as_uri()

    def catalog_properties(self) -> Mapping[str, str]:
        self.catalog_file.parent.mkdir(parents=True, exist_ok=True)
        return {"type": "sql", "uri": f"sqlite:///{self.catalog_file}", "warehouse": self.warehouse_uri()}

    def spark_conf(self) -> Mapping[str, str]:
        from runtime.class_archive import jvm_options
        from runtime.jars import jar_paths

        quick = f"{jvm_options()} " if self.settings.spark_quick else ""
        catalog = "spark.sql.catalog.lake"
        return {
            "spark.master": self.settings.spark_master,
            "spark.driver.memory": self.settings.spark_memory,
            "spark.driver.extraJavaOptions": f"{quick}-Duser.timezone=UTC -Dlog4j2.configurationFile={(REPOSITORY / 'spark_jobs' / 'log4j2.properties').as_uri()}",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            # Else PySpark walks its callers' frames at each step of each frame, to name a line in errors that only --debug shows.
            "spark.python.sql.dataFrameDebugging.enabled": str(self.settings.debug).lower(),
            "spark.python.daemon.module": "spark_jobs.worker_daemon",
            # On the class path from the start, not as spark.jars: no copy for each session, and the JVM may share their classes.
            "spark.driver.extraClassPath": ":".join(str(path) for path in jar_paths(self.settings)),
            # For jobs of seconds the planning is what costs: two tasks of a shuffle, planned once.
            "spark.sql.shuffle.partitions": "2" if self.settings.spark_quick else "8",
            "spark.sql.adaptive.enabled": str(not self.settings.spark_quick).lower(),
            # To compile a plan takes longer than to interpret it over some thousand rows.
            "spark.sql.codegen.wholeStage": str(not self.settings.spark_quick).lower(),
            "spark.sql.codegen.factoryMode": "NO_CODEGEN" if self.settings.spark_quick else "FALLBACK",
            "spark.sql.warehouse.dir": (self.settings.home / "lake" / "spark").as_uri(),
            "spark.local.dir": str(self.settings.home / "tmp"),
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.session.timeZone": "UTC",
            catalog: "org.apache.iceberg.spark.SparkCatalog",
            f"{catalog}.type": "jdbc",
            f"{catalog}.uri": f"jdbc:sqlite:file:{self.catalog_file}",
            f"{catalog}.jdbc.schema-version": "V1",
            f"{catalog}.warehouse": self.warehouse_uri(),
        }

    def spark_command(self, arguments: Sequence[str]) -> list[str]:
        # The launcher keeps the JVM in a process group of its own and ends it with its parent.
        return [sys.executable, "-m", "spark_jobs.submit", *arguments]

    @cached_property
    def _time_series(self) -> "TimeSeries":
        from runtime.timeseries_sqlite import SqliteTimeSeries

        return SqliteTimeSeries(self.settings.home / "timeseries.db")

    def time_series(self) -> "TimeSeries":
        return self._time_series

    def query_engine(self) -> "QueryEngine | None":
        return None

    def alarm_topic_arn(self) -> str:
        topic = self.settings.alarm_topic
        return topic if topic.startswith("arn:") else f"arn:aws:sns:{self.settings.region}:{self.settings.account}:{topic}"

    def mqtt_endpoint(self) -> tuple[str, int]:
        if self.settings.mqtt_host:
            return self.settings.mqtt_host, self.settings.mqtt_port or 8883
        return str(self._endpoint("mqtt_host")), int(self._endpoint("mqtt_port"))

    def spark_task(self, task_id: str, arguments: Sequence[str], **operator: Any) -> Any:
        from runtime.local_tasks import command_task

        return command_task(task_id, self.spark_command([]), arguments, operator)

    def training_task(self, task_id: str, arguments: Sequence[str], **operator: Any) -> Any:
        from runtime.local_tasks import command_task

        return command_task(task_id, [sys.executable, "-m", "models.train"], arguments, operator)


def is_held(lock: Path) -> bool:
    """Whether any process holds this lock for itself."""
    try:
        with lock.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False


def _unconfigured() -> Any:
    """A botocore session that no profile of the user reaches."""
    from botocore.session import Session

    # Each variable: name in a config file, name in the environment, default, conversion.
    nowhere = (None, None, os.devnull, None)
    return Session(session_vars={"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere})
