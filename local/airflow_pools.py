"""Makes the pools that the DAGs name, one slot each: ``python -m local.airflow_pools``.

They save two jobs of a contract from doing each other's work twice; correctness never rests on them.
"""

from local.airflow_client import Airflow
from local.airflow_environment import base_url, login
from local.entry import run
from runtime.settings import Settings

TRAINING_POOL = "training"


def pools(settings: Settings) -> dict[str, int]:
    """Slots by name of pool."""
    from lake.contracts import load_contracts

    return {f"lake_{name}": 1 for name in load_contracts(settings.contracts_folder)} | {TRAINING_POOL: 1}


def ensure(settings: Settings) -> None:
    airflow = Airflow(base_url(settings), *login(settings))
    for name, slots in pools(settings).items():
        airflow.ensure_pool(name, slots)


def main() -> None:
    ensure(Settings.from_environment())


if __name__ == "__main__":
    run(main)
