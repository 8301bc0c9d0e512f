"""The laptop's cloud for tests: real processes in a folder of the test's own, gone when the block ends."""

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.supervisor import Supervisor
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings


@dataclass(frozen=True)
class Cloud:
    settings: Settings
    platform: Platform
    supervisor: Supervisor


@contextmanager
def running_cloud(
    home: Path,
    parts: Collection[str] = ("emulator",),
    *,
    schedules: bool = True,
    variables: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Cloud]:
    """Start `parts` (of emulator, worker, airflow) with their state in `home`; bucket, queues, rule and policy are there.

    Without `schedules` Airflow runs what is triggered and what new data sets off, and for a day nothing by its schedule. `variables` are in the environment of its
    processes, and `settings` are changes to the defaults, such as ``visibility_seconds=5``.
    """
    chosen = settings_for(home, **settings)
    with Supervisor(chosen, parts, schedules=schedules, variables=variables) as supervisor:
        yield Cloud(chosen, current_platform(chosen), supervisor)


def settings_for(home: Path, **settings: Any) -> Settings:
    """The machine's settings (its cache of jars counts) with a home of the test's own."""
    changes: dict[str, Any] = {"home": home, "aws_endpoint": "", "mqtt_host": "", "mqtt_port": 0} | settings
    return dataclasses.replace(Settings.from_environment(), **changes)


def send(cloud: Cloud, queue: str, document: dict[str, Any]) -> None:
    sqs = cloud.platform.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=json.dumps(document))
