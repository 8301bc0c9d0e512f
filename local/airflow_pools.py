"""Makes the pools that the DAGs name, one slot each: ``python -m local.airflow_pools``.

They save two jobs of a contract from doing each other's work twice; correctness never rests on them.
"""

from local.airflow_client import Airflow
from local.airflow_environment import base_url, login
from local.entry import run
from runtime.settings import Settings

TRAINING_POOL = "training"
# Of the tables that all contracts share.
SHARED_POOL = "lake__shared"


def pool_names(settings: Settings) -> list[str]:
    from lake.contracts import sound_contracts

    return [*(f"lake_{name}" for name in sound_contracts(settings.contracts_folder)), SHARED_POOL, TRAINING_POOL]


def ensure(settings: Settings) -> None:
    airflow = Airflow(base_url(settings), *login(settings))
    for name in pool_names(settings):
        airflow.ensure_pool(name, slots=1)


def main() -> None:
    ensure(Settings.from_environment())


if __name__ == "__main__":
    run(main)
