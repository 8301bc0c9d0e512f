"""What a person is woken for: each alarm with its metric, its limit, why, and the section of docs/runbook.md that says what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.names import Names
from runtime.metrics import NAMESPACE, Source

# Where an operator reads on; the section's heading follows.
RUNBOOK = "docs/runbook.md#"


# Each function of ours, and where its trouble is read of.
FUNCTIONS = {
    "ingest": "The queue's age grows",
    "shadow-feed": "Shadows' history or searches are behind",
    "fleet-shadow": "Shadows' history or searches are behind",
    "auth-api": "The APIs fail or are slow",
    "shadow-api": "The APIs fail or are slow",
}


def _by_worker(names: Names) -> bool:
    return names.configuration.ingestion == "fargate"


def _counted_by(names: Names) -> str:
    """Who counts what is ingested: dimension `source` of our metrics."""
    return (Source.WORKER if _by_worker(names) else Source.LAMBDA).value


@dataclass(frozen=True)
class Measure:
    """A metric of CloudWatch, over `minutes`. `share_of` divides it: then the measure is a share from 0 to 1."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    minutes: int = 5
    share_of: str = ""


@dataclass(frozen=True)
class Alarm:
    """It is raised where the measure is above `limit`, or below where `is_floor`, in each of the last `periods`."""

    name: str
    measure: Measure
    limit: float
    periods: int
    why: str
    section: str
    is_floor: bool = False
    # What no data means: nothing happened, or, where something must always be told, trouble.
    missing: str = "notBreaching"

    @property
    def link(self) -> str:
        return RUNBOOK + self.section.lower().replace(" ", "-").translate({ord(sign): None for sign in ",.'"})


def _queue(name: str, metric: str) -> Measure:
    return Measure("AWS/SQS", metric, {"QueueName": name}, "Maximum")


def _own(metric: str, statistic: str, minutes: int = 5, share_of: str = "", **dimensions: str) -> Measure:
    return Measure(NAMESPACE, metric, dimensions, statistic, minutes, share_of)


def alarms(names: Names, balancer: str, contracts: tuple[str, ...]) -> Iterator[Alarm]:
    """`balancer` is the load balancer as CloudWatch names it."""
    yield from _of_queues(names)
    yield from _of_functions(names)
    if _by_worker(names):
        yield from _of_service(names, "worker", "The queue's age grows")
        running = Measure(
            "ECS/ContainerInsights", "RunningTaskCount", {"ClusterName": names.of(""), "ServiceName": names.of("worker")}, "Minimum"
        )
        yield Alarm("worker-absent", running, 1, 2, "no worker runs", "The worker ended with a line", is_floor=True, missing="breaching")
    yield from _of_the_lake(names, contracts)
    yield from _of_the_apis(names, balancer)
    yield from _of_devices(names, contracts)
    yield from _of_backups(names)


def shown(names: Names, balancer: str) -> Mapping[str, tuple[Measure, ...]]:
    """What no limit says anything of, and an operator wants to see beside the alarms, by section of the runbook."""
    mqtt, source = {"Protocol": "MQTT"}, _counted_by(names)
    return {
        "Devices cannot connect": (
            Measure("AWS/IoT", "Connect.Success", mqtt, "Sum"),
            Measure("AWS/IoT", "PublishIn.Success", mqtt, "Sum"),
        ),
        "The queue's age grows": (Measure("AWS/Lambda", "Duration", {"FunctionName": names.of("ingest")}, "p99"),),
        "The APIs fail or are slow": (Measure("AWS/ApplicationELB", "RequestCount", {"LoadBalancer": balancer}, "Sum"),),
        "More is refused": (
            _own("readings_bronze", "Sum", source=source),
            _own("readings_quarantined", "Sum", source=source),
            _own("arrival_seconds", "p99", source=source),
        ),
        "The time series is behind": (_own("timeseries_failures", "Sum", source=source),),
    }


def _of_queues(names: Names) -> Iterator[Alarm]:
    settings = names.settings
    age, depth = "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"
    yield Alarm(
        "queue-age", _queue(settings.telemetry_queue, age), 900, 2, "a message has waited for a quarter of an hour", "The queue's age grows"
    )
    yield Alarm(
        "rule-errors", _queue(settings.error_queue, depth), 0, 3, "what the rule could not deliver stays", "The error queue is not empty"
    )
    yield Alarm("dead-letters", _queue(settings.dead_letter_queue, depth), 0, 1, "a message failed five times", "Dead letters")
    yield Alarm(
        "shadow-dead-letters",
        _queue(settings.shadow_dead_letter_queue, depth),
        0,
        1,
        "a change of a shadow failed five times",
        "Shadows' history or searches are behind",
    )
    yield Alarm(
        "shadow-queue-age",
        _queue(settings.shadow_queue, age),
        300,
        2,
        "changes of shadows wait for five minutes",
        "Shadows' history or searches are behind",
    )


def _of_functions(names: Names) -> Iterator[Alarm]:
    for function, section in FUNCTIONS.items():
        dimensions = {"FunctionName": names.of(function)}
        yield Alarm(f"{function}-errors", Measure("AWS/Lambda", "Errors", dimensions, "Sum"), 5, 3, "the function fails", section)
        yield Alarm(
            f"{function}-throttles", Measure("AWS/Lambda", "Throttles", dimensions, "Sum"), 20, 3, "more comes than it may take", section
        )
    # Every five minutes, by a schedule that nothing else tells of.
    calls = Measure("AWS/Lambda", "Invocations", {"FunctionName": names.of("fleet-shadow")}, "Sum", minutes=15)
    section = FUNCTIONS["fleet-shadow"]
    yield Alarm("fleet-shadow-absent", calls, 1, 1, "the schedule calls nothing", section, is_floor=True, missing="breaching")


def _of_the_lake(names: Names, contracts: tuple[str, ...]) -> Iterator[Alarm]:
    share = _own("readings_quarantined", "Sum", 15, share_of="readings", source=_counted_by(names))
    yield Alarm("quarantine-rate", share, 0.05, 2, "more than one reading in twenty is refused", "More is refused")
    failed = Measure("AmazonMWAA", "TaskInstanceFailures", {"DAG": "All", "Task": "All", "Environment": names.of("airflow")}, "Sum")
    yield Alarm("pipeline-failed", failed, 0, 1, "a task of Airflow failed", "A task failed")
    beats = Measure("AmazonMWAA", "SchedulerHeartbeat", {"Environment": names.of("airflow"), "Function": "Scheduler"}, "Sum")
    yield Alarm(
        "airflow-silent", beats, 1, 3, "Airflow's scheduler does nothing", "A part of Airflow crashed", is_floor=True, missing="breaching"
    )
    for contract in contracts:
        lag = _own("silver_lag_seconds", "Maximum", contract=contract)
        # Told every five minutes: where nothing is, nobody looks any more.
        yield Alarm(f"silver-lag-{contract}", lag, 7_200, 2, "silver is two hours behind bronze", "Silver is behind", missing="breaching")
        held = _own("runs_held", "Sum", contract=contract)
        yield Alarm(f"run-held-{contract}", held, 0, 1, "the gate held a run", "A run is held by the gate")


def _of_backups(names: Names) -> Iterator[Alarm]:
    failed = Measure("AWS/Backup", "NumberOfBackupJobsFailed", {"BackupVaultName": names.of("backups")}, "Sum", minutes=60)
    yield Alarm("backup-failed", failed, 0, 1, "a daily backup failed", "A backup failed")


def _of_the_apis(names: Names, balancer: str) -> Iterator[Alarm]:
    section = "The APIs fail or are slow"

    def of_balancer(metric: str, statistic: str) -> Measure:
        return Measure("AWS/ApplicationELB", metric, {"LoadBalancer": balancer}, statistic)

    yield Alarm("api-5xx", of_balancer("HTTPCode_Target_5XX_Count", "Sum"), 10, 2, "the APIs fail", section)
    yield Alarm("api-unreachable", of_balancer("HTTPCode_ELB_5XX_Count", "Sum"), 10, 2, "no task answers the load balancer", section)
    yield Alarm("api-latency", of_balancer("TargetResponseTime", "p99"), 2, 3, "one call in a hundred takes more than two seconds", section)
    for gateway in ("auth", "shadow"):
        dimensions = {"ApiName": names.of(gateway), "Stage": "v1"}
        yield Alarm(f"{gateway}-5xx", Measure("AWS/ApiGateway", "5XXError", dimensions, "Sum"), 10, 2, "the API fails", section)
        yield Alarm(f"{gateway}-latency", Measure("AWS/ApiGateway", "Latency", dimensions, "p99"), 3_000, 3, "the API is slow", section)
    yield from _of_service(names, "api", section)


def _of_service(names: Names, service: str, section: str) -> Iterator[Alarm]:
    dimensions = {"ClusterName": names.of(""), "ServiceName": names.of(service)}
    for metric, what in (("CPUUtilization", "cpu"), ("MemoryUtilization", "memory")):
        measure = Measure("AWS/ECS", metric, dimensions, "Average")
        yield Alarm(f"{service}-{what}", measure, 85, 3, f"the tasks of {service} use more than 85 % of their {what}", section)


def _of_devices(names: Names, contracts: tuple[str, ...]) -> Iterator[Alarm]:
    refused = Measure("AWS/IoT", "Connect.AuthError", {"Protocol": "MQTT"}, "Sum")
    yield Alarm("connects-refused", refused, 100, 2, "connections are refused: certificates, or an attack", "Devices cannot connect")
    for contract in contracts:
        silent = _own("devices_fell_silent", "Sum", contract=contract)
        yield Alarm(f"devices-silent-{contract}", silent, 0, 1, "a device went offline", "A device, or the fleet, is silent")
