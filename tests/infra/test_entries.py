"""Which role a recorded call is of."""

import pytest

from infra.entries import ENTRIES, roles_of
from runtime.settings import REPOSITORY


@pytest.mark.parametrize(
    ("modules", "roles"),
    [
        ("services.manners services.shadow.endpoints services.shadow.shadows", ("shadow-api", "api")),
        ("services.auth.user_endpoints services.auth.users", ("auth-api", "api")),
        ("services.identity services.auth.tokens", ("auth-api", "shadow-api", "api")),
        ("services.devices.endpoints services.auth.rules", ("api",)),
        ("services.shadow.feed services.shadow.cache", ("shadow-feed",)),
        ("services.shadow.fleet_shadow services.devices.store", ("fleet-shadow",)),
        ("ingestion.aside ingestion.lambda_handler ingestion.event_source", ("ingest",)),
        ("ingestion.aside ingestion.intake ingestion.delivery lake.objects", ("ingest", "worker")),
        ("ingestion.hand runtime.sqs", ("worker",)),
        ("spark_jobs.score models.registry", ("spark",)),
        ("models.registry", ("training",)),
        ("dags.train airflow.providers.amazon", ("airflow",)),
        ("cli.devices services.devices.endpoints", ()),
        ("local.api_tables", ()),
        ("ingestion.replay ingestion.intake", ()),
        ("lake.objects", ()),
        ("services.shadow.cache", ()),
        ("", ()),
    ],
)
def test_a_call_is_of_the_roles_of_the_outermost_module_that_is_an_entry(modules: str, roles: tuple[str, ...]) -> None:
    assert roles_of(modules.split()) == roles


def test_every_entry_is_a_module_or_a_package_of_ours() -> None:
    paths = {name: REPOSITORY / name.replace(".", "/") for name in ENTRIES if name != "airflow"}
    assert {name for name, path in paths.items() if not path.is_dir() and not path.with_suffix(".py").is_file()} == set()
