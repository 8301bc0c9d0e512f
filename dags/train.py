"""# Train: the remaining-useful-life model

**Makes** a version of the model `rul` in the registry, with its card, and rows of `ops.model_runs`; it becomes champion when it is not
worse than the one there. Weekly, and when features and maintenance events changed: then only if enough new failures are known.

**Parameters** (trigger with config): `as_of`, a moment such as `2026-11-24T02:00:00Z`, or `latest`: what the lake knew then is what the
model learns from, whenever the run happens. `force`: train even without new failures.

**When it fails.** Clear the task: the same `as_of` gives the same model. *Too few failures* is a success and says so in the log.
"""

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, Asset, Param
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.trigger import CronTriggerTimetable

from runtime.platforms import Platform, current_platform

UTC = timezone.utc  # noqa: UP017 - datetime.UTC is not known to every Python that MWAA runs
FEATURES = Asset("features.turbofan")
EVENTS = Asset("silver.maintenance")


def train(platform: Platform, model: str) -> DAG:
    with DAG(
        dag_id=f"train_{model}",
        description="train, evaluate, promote or not",
        doc_md=__doc__,
        schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("0 3 * * 0", timezone="UTC"), assets=FEATURES & EVENTS),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params={"as_of": Param("latest", type="string"), "force": Param(False, type="boolean")},
        default_args={"owner": "machine-learning", "retries": 1, "retry_delay": timedelta(seconds=30)},
        tags=["train"],
    ) as dag:
        run = ["--model", model, "--run-id", "{{ dag.dag_id }}__{{ run_id }}"]
        options = ["--as-of", "{{ params.as_of }}", "--force", "{{ params.force }}"]
        tasks = [
            platform.training_task(step, [step, *run, *(options if step == "train" else [])]) for step in ("train", "evaluate", "promote")
        ]
        tasks[0] >> tasks[1] >> tasks[2]
    return dag


train_rul = train(current_platform(), "rul")
