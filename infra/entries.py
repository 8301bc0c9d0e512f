"""Which role runs which of our modules: how the calls that a test run records are known to be a role's.

A call belongs to the first module of its call stack, from outside in, that is listed here or whose package is; the longest name counts.
Modules in between, such as stores, say nothing by themselves and are not listed. What the operator runs has no role of ours.
"""

from collections.abc import Mapping, Sequence

_OPERATOR: tuple[str, ...] = ()
_INGESTION = ("ingest", "worker")
_ALL_APIS = ("auth-api", "shadow-api", "api")

ENTRIES: Mapping[str, tuple[str, ...]] = {
    "cli": _OPERATOR,
    "local": _OPERATOR,
    "ingestion.lambda_handler": ("ingest",),
    "ingestion.intake": _INGESTION,
    "ingestion.projection": _INGESTION,
    "ingestion.worker": ("worker",),
    "ingestion.worker_process": ("worker",),
    "ingestion.start_check": ("worker",),
    "ingestion.error_queue": ("worker",),
    "ingestion.receiving": ("worker",),
    "ingestion.hand": ("worker",),
    "ingestion.settling": ("worker",),
    "ingestion.replay": _OPERATOR,
    "ingestion.redrive": _OPERATOR,
    "ingestion.dead_letters": _OPERATOR,
    "spark_jobs": ("spark",),
    # Who watches the fleet asks it what was heard.
    "lake.arrivals": ("spark",),
    "models.registry": ("training",),
    "models.data": ("training",),
    "models.train": ("training",),
    "airflow": ("airflow",),
    "runtime.emr_task": ("airflow",),
    "runtime.emr_log": ("airflow",),
    "runtime.aws_tasks": ("airflow",),
    "runtime.alarms": ("airflow",),
    "services.health": _ALL_APIS,
    "services.identity": _ALL_APIS,
    "services.auth.endpoints": ("auth-api", "api"),
    "services.auth.login_endpoints": ("auth-api", "api"),
    "services.auth.permission_endpoints": ("auth-api", "api"),
    "services.auth.user_endpoints": ("auth-api", "api"),
    "services.devices.endpoints": ("api",),
    "services.devices.bulk_import": ("api",),
    "services.shadow.endpoints": ("shadow-api", "api"),
    "services.shadow.batch_endpoints": ("shadow-api", "api"),
    "services.shadow.batch": ("shadow-api", "api"),
    "services.shadow.feed": ("shadow-feed",),
    "services.shadow.fleet_shadow": ("fleet-shadow",),
    "services.telemetry.endpoints": ("api",),
    "services.telemetry.readings": ("api",),
    "services.telemetry.worker": ("api",),
}


def roles_of(modules: Sequence[str]) -> tuple[str, ...]:
    """Of a call stack, the outermost first; none for an operator's call, and for one that only a test makes."""
    return next((roles for module in modules if (roles := _listed(module)) is not None), _OPERATOR)


def _listed(module: str) -> tuple[str, ...] | None:
    parts = module.split(".")
    packages = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((ENTRIES[package] for package in packages if package in ENTRIES), None)
