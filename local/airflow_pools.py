"""Makes the pool that all tasks of a laptop share: ``python -m local.airflow_pools``.

`compute` has as many slots as hard-working tasks fit on this machine; the platform puts all of them there. Two jobs of a contract
at once do one's work for nothing; correctness rests on no pool, and on AWS there is none but Airflow's own. A pool that is there
keeps the slots that somebody gave it.
"""

from local.airflow_client import Airflow
from local.airflow_environment import base_url, login
from local.entry import run
from local.machine import compute_slots
from runtime.local import COMPUTE_POOL
from runtime.settings import Settings


def ensure(settings: Settings) -> None:
    Airflow(base_url(settings), *login(settings)).ensure_pool(COMPUTE_POOL, compute_slots(settings))


def main() -> None:
    ensure(Settings.from_environment())


if __name__ == "__main__":
    run(main)
