"""AWS: S3, Glue's catalog, EMR Serverless, SageMaker. The same methods as `runtime/local.py`, in the same order."""

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runtime.client_config import client_config
from runtime.errors import ServiceError, SettingsError
from runtime.recorder import noted
from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.query_engine import QueryEngine
    from runtime.timeseries import TimeSeries


class AwsPlatform:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def _make_client(self, service: str) -> Any:
        # Imported here: DAG files import this module and must stay light.
        import boto3

        # No endpoint and no key: botocore's own resolution and credential chain decide.
        endpoint = self.settings.aws_endpoint or None
        return noted(boto3.client(service, region_name=self.settings.region, endpoint_url=endpoint, config=client_config()))

    @property
    def lake_bucket(self) -> str:
        return self.settings.lake_bucket

    def object_uri(self, key: str) -> str:
        return f"s3://{self.settings.lake_bucket}/{key}"

    def warehouse_uri(self) -> str:
        return self.settings.warehouse or f"s3://{self.settings.lake_bucket}/warehouse"

    def catalog_properties(self) -> Mapping[str, str]:
        return {"type": "glue", "glue.region": self.settings.region, "s3.region": self.settings.region, "warehouse": self.warehouse_uri()}

    def spark_conf(self) -> Mapping[str, str]:
        catalog = "spark.sql.catalog.lake"
        return {
            # EMR has Iceberg built in; this puts it on the class path.
            "spark.jars": "/usr/share/aws/iceberg/lib/iceberg-spark3-runtime.jar",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.session.timeZone": "UTC",
            catalog: "org.apache.iceberg.spark.SparkCatalog",
            f"{catalog}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            f"{catalog}.warehouse": self.warehouse_uri(),
        }

    def spark_command(self, arguments: Sequence[str]) -> list[str]:
        raise ServiceError(f"spark job {' '.join(arguments)}: on AWS jobs are started by Airflow; trigger the DAG that runs it")

    @cached_property
    def _time_series(self) -> "TimeSeries":
        if self.settings.time_series_store == "timestream":
            from runtime.timeseries_timestream import TimestreamTimeSeries

            return TimestreamTimeSeries(self.client("timestream-write"), self.client("timestream-query"), self.settings.timestream_database)
        from runtime.influx_http import InfluxHttp
        from runtime.timeseries_influx import InfluxTimeSeries

        http = InfluxHttp(self.required("influx_url"), self.settings.influx_org, self._influx_token())
        return InfluxTimeSeries(http, self.settings.influx_bucket)

    def _influx_token(self) -> str:
        """The token itself, or what the secret holds that its ARN names: text, or JSON with a member `token`."""
        token = self.required("influx_token")
        if not token.startswith("arn:"):
            return token
        text = str(self.client("secretsmanager").get_secret_value(SecretId=token)["SecretString"])
        try:
            return str(json.loads(text)["token"])
        except (ValueError, KeyError, TypeError):
            return text

    def time_series(self) -> "TimeSeries":
        return self._time_series

    @cached_property
    def _query_engine(self) -> "QueryEngine":
        from runtime.athena import Athena

        return Athena(self.client("athena"), self.settings.athena_workgroup)

    def query_engine(self) -> "QueryEngine | None":
        return self._query_engine

    def alarm_topic_arn(self) -> str:
        topic = self.settings.alarm_topic
        if topic.startswith("arn:"):
            return topic
        # Any role may ask who it is.
        _, partition, _, _, account, *_ = self.client("sts").get_caller_identity()["Arn"].split(":")
        return f"arn:{partition}:sns:{self.settings.region}:{account}:{topic}"

    def mqtt_endpoint(self) -> tuple[str, int]:
        if self.settings.mqtt_host:
            return self.settings.mqtt_host, self.settings.mqtt_port or 8883
        answer = self.client("iot").describe_endpoint(endpointType="iot:Data-ATS")
        return answer["endpointAddress"], self.settings.mqtt_port or 8883

    def spark_task(self, task_id: str, arguments: Sequence[str], **operator: Any) -> Any:
        from runtime.aws_tasks import emr_task

        return emr_task(self, task_id, arguments, operator)

    def training_task(self, task_id: str, arguments: Sequence[str], **operator: Any) -> Any:
        from runtime.aws_tasks import sagemaker_task

        return sagemaker_task(self, task_id, arguments, operator)

    def required(self, name: str) -> str:
        """The setting `name`, or a SettingsError that says it must be given."""
        value = str(getattr(self.settings, name))
        if not value:
            raise SettingsError(f"settings: FLEETLAKE_{name.upper()} is empty; on AWS it must be given")
        return value
