"""How many hard-working tasks fit on a machine, and the pools that follow."""

import dataclasses

import pytest

from local.airflow_environment import variables
from local.machine import compute_slots
from runtime.settings import Settings
from tests.cloud import settings_for

GIB = 1 << 30


@pytest.mark.parametrize(
    ("cores", "memory", "heap", "slots"),
    [(2, 24 * GIB, "2g", 2), (8, 64 * GIB, "2g", 8), (8, 16 * GIB, "3g", 3), (8, 16 * GIB, "512m", 8), (4, 2 * GIB, "2g", 1)],
)
def test_each_takes_a_core_and_its_heap_and_a_gibibyte_of_three_quarters_of_the_memory(
    cores: int, memory: int, heap: str, slots: int
) -> None:
    assert compute_slots(dataclasses.replace(Settings(), spark_memory=heap), cores, memory) == slots


def test_a_light_task_has_a_seat_beside_those_that_work_hard(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = settings_for(tmp_path_factory.mktemp("machine"))
    assert int(variables(settings)["AIRFLOW__CORE__PARALLELISM"]) == compute_slots(settings) + 1
