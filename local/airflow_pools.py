"""Makes the pools that tasks name: ``python -m local.airflow_pools``.

`compute` has as many slots as hard-working tasks fit on this machine; the platform puts all of them there. One slot each have the
pools that the DAGs name, for tasks of one's own: they save two jobs of a contract from doing each other's work twice;
correctness never rests on them. A pool that is there keeps the slots that somebody gave it.
"""

from local.airflow_client import Airflow
from local.airflow_environment import base_url, login
from local.entry import run
from local.machine import compute_slots
from runtime.local import COMPUTE_POOL
from runtime.settings import Settings

TRAINING_POOL = "training"
# Of the tables that all contracts share.
SHARED_POOL = "lake__shared"
HEALTH_POOL = "lake_health"


def pools(settings: Settings) -> dict[str, int]:
    """Slots by name."""
    from lake.contracts import sound_contracts

    names = [*(f"lake_{name}" for name in sound_contracts(settings.contracts_folder)), SHARED_POOL, HEALTH_POOL, TRAINING_POOL]
    return {COMPUTE_POOL: compute_slots(settings)} | dict.fromkeys(names, 1)


def ensure(settings: Settings) -> None:
    airflow = Airflow(base_url(settings), *login(settings))
    for name, slots in pools(settings).items():
        airflow.ensure_pool(name, slots)


def main() -> None:
    ensure(Settings.from_environment())


if __name__ == "__main__":
    run(main)
