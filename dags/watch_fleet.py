"""# Watch the fleet: which devices are silent

**Makes** `gold.device_health`: a row whenever a device goes offline or comes back, and one for the fleet of a contract (`*`) where so many fall silent at once
that it is not they. What is usual is learnt of each device from its arrivals. Each change is an alarm to the topic of `FLEETLAKE_ALARM_TOPIC`; a fleet, or a pipeline, that is silent is one.

**When it fails.** The next run, five minutes later, finds what this one did not say: nothing needs to be cleared. *alarm … to the topic*: SNS did not take an alarm;
its change is found and told again.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG

from lake.contracts import sound_contracts
from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs


def watch_fleet(platform: Platform) -> DAG:
    contracts = sound_contracts(platform.settings.contracts_folder)
    with DAG(
        dag_id="watch_fleet",
        description="devices that went offline or came back",
        doc_md=__doc__,
        schedule="*/5 * * * *",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args={"owner": "data-engineering", "retries": 1, "retry_delay": timedelta(seconds=30)},
        tags=["maintenance"],
    ) as dag:
        watched = ",".join(sorted(name for name, contract in contracts.items() if contract.is_measurement))
        if watched:
            # One task for all of them: it reads tables without a session of Spark, and is done in seconds.
            platform.spark_task("watch_fleet", ["watch_fleet", "--contract", watched, "--run-id", "{{ dag.dag_id }}__{{ run_id }}"])
    return dag


watch_fleet_dag = watch_fleet(current_platform())
