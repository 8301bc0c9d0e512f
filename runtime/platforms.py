"""The one seam: what differs between a laptop and AWS, behind the same methods."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from runtime.errors import SettingsError
from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.query_engine import QueryEngine
    from runtime.timeseries import TimeSeries


class Platform(Protocol):
    """What application code may ask of the place it runs in. `runtime/local.py` and `runtime/aws.py` have these, side by side."""

    settings: Settings

    def client(self, service: str) -> Any:
        """A boto3 client, one for each service and process. Raises ServiceError where the platform has no such service."""
        ...

    @property
    def lake_bucket(self) -> str: ...

    def object_uri(self, key: str) -> str:
        """Address of an object of the lake's bucket for Spark and DuckDB: ``file:///…`` or ``s3://…``."""
        ...

    def warehouse_uri(self) -> str:
        """Root of the Iceberg tables."""
        ...

    def catalog_properties(self) -> Mapping[str, str]:
        """PyIceberg's properties of the catalog ``lake``."""
        ...

    def spark_conf(self) -> Mapping[str, str]:
        """Spark configuration of the same catalog, and of the machine."""
        ...

    def spark_command(self, arguments: Sequence[str]) -> list[str]:
        """Command line that runs one Spark job to its end: ``main.py`` with `arguments`."""
        ...

    def time_series(self) -> "TimeSeries": ...

    def query_engine(self) -> "QueryEngine | None":
        """The service that answers SQL over the lake; None where DuckDB reads its files in this process."""
        ...

    def alarm_topic_arn(self) -> str:
        """Of the topic that the settings name."""
        ...

    def mqtt_endpoint(self) -> tuple[str, int]:
        """Host and port where devices connect by mutual TLS."""
        ...

    def spark_task(self, task_id: str, arguments: Sequence[str], **operator: Any) -> Any:
        """An Airflow operator that runs one Spark job; `arguments` may hold Jinja templates.

        A laptop has a pool of the machine's cores. A failure that is not tried again raises an alarm.
        """
        ...

    def training_task(self, task_id: str, arguments: Sequence[str], **operator: Any) -> Any:
        """An Airflow operator that runs ``models.train`` with `arguments`; pool and alarm as those of `spark_task`."""
        ...


def current_platform(settings: Settings | None = None) -> Platform:
    """The platform that `settings` (by default the environment's) name."""
    chosen = settings or Settings.from_environment()
    # Imported here, so that a process loads just the platform it runs on.
    if chosen.platform == "local":
        from runtime.local import LocalPlatform

        return LocalPlatform(chosen)
    if chosen.platform == "aws":
        from runtime.aws import AwsPlatform

        return AwsPlatform(chosen)
    raise SettingsError(f"settings: FLEETLAKE_PLATFORM is {chosen.platform!r}; it must be local or aws")
