"""How much of this machine there is: how many hard-working tasks run at once."""

import os

from runtime.settings import Settings

# Beside the JVM's heap, the JVM's own and the Python of the driver with the quality gate's libraries.
_BESIDE_BYTES = 1 << 30
# The rest is for Airflow, the emulator, the worker and whoever sits at the machine.
_SHARE = 0.75
_UNITS = {"m": 1 << 20, "g": 1 << 30}


def compute_slots(settings: Settings, cores: int | None = None, memory: int | None = None) -> int:
    """A core each, and no more than fit into three quarters of the memory (bytes); one there always is."""
    cores = cores or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    memory = memory or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(memory * _SHARE) // (_heap(settings.spark_memory) + _BESIDE_BYTES)))


def _heap(size: str) -> int:
    return int(size[:-1]) * _UNITS[size[-1].lower()]
