"""In what a development deployment and a production one differ, and in nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    name: str
    # Whether what holds data outlives its stack, and is protected from deletion.
    keeps_data: bool
    zones: int
    log_days: int
    trail_days: int
    api_tasks: tuple[int, int]
    # vCPU units and MiB of a task of the APIs.
    api_cpu: int
    api_memory: int
    # Environments of the function that ingests at most: SQS waits, S3 is not flooded.
    ingest_concurrency: int
    # Of the worker on Fargate, where that ingests.
    worker_tasks: tuple[int, int]
    worker_cpu: int
    worker_memory: int
    emr_max_vcpu: int
    airflow_class: str
    airflow_workers: tuple[int, int]
    influx_class: str
    influx_gib: int
    influx_standby: bool
    backup_days: int
    # How long firmware can be neither changed nor deleted, and by nobody but who may bypass it.
    firmware_lock_days: int


PROFILES = {
    "dev": Profile(
        name="dev",
        keeps_data=False,
        zones=2,
        log_days=30,
        trail_days=90,
        api_tasks=(1, 2),
        api_cpu=512,
        api_memory=2048,
        ingest_concurrency=10,
        worker_tasks=(1, 2),
        worker_cpu=512,
        worker_memory=2048,
        emr_max_vcpu=32,
        airflow_class="mw1.small",
        airflow_workers=(1, 2),
        influx_class="db.influx.medium",
        influx_gib=20,
        influx_standby=False,
        backup_days=7,
        firmware_lock_days=1,
    ),
    "prod": Profile(
        name="prod",
        keeps_data=True,
        zones=3,
        log_days=365,
        trail_days=2557,
        api_tasks=(2, 10),
        api_cpu=1024,
        api_memory=4096,
        ingest_concurrency=100,
        worker_tasks=(2, 20),
        worker_cpu=2048,
        worker_memory=4096,
        emr_max_vcpu=256,
        airflow_class="mw1.medium",
        airflow_workers=(1, 5),
        influx_class="db.influx.large",
        influx_gib=100,
        influx_standby=True,
        backup_days=35,
        firmware_lock_days=365,
    ),
}
