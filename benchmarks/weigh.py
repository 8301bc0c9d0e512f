"""What work by Spark costs: CPU of all its processes, and the most memory that they had at once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

_EVERY_SECONDS = 1.0


@dataclass
class Weight:
    """`seconds` and `cpu` of the block; `memory`: bytes at most, looked at each second, what processes share counted once."""

    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0


@contextmanager
def weighed() -> Iterator[Weight]:
    """Of this process, the JVM and its Python workers; full when the block has ended. An emulator beside them is not in it."""
    weight, over, looking = Weight(), threading.Event(), [0.0]

    def watch() -> None:
        while True:
            weight.memory = max(weight.memory, _memory())
            # To look costs milliseconds for each GB: they are not the work's.
            looking[0] = time.thread_time()
            if over.wait(_EVERY_SECONDS):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    begun, cpu = time.monotonic(), spark_cpu()
    watcher.start()
    try:
        yield weight
    finally:
        weight.seconds = time.monotonic() - begun
        over.set()
        watcher.join()
        weight.cpu = spark_cpu() - cpu - looking[0]


def spark_cpu() -> float:
    """CPU seconds until now. Those of Python workers that have ended stand with their parent."""
    return _summed(lambda process: sum(process.cpu_times()[:4]))


def jvm_read() -> int:
    """Bytes that the JVM has read until now by the kernel's count: files, in whichever of its threads, and what its tasks shuffle."""
    return sum(process.io_counters().read_chars for process in psutil.Process().children() if process.name() == "java")


def _memory() -> int:
    return int(_summed(lambda process: process.memory_full_info().pss))


def _summed(figure: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for process in _spark_processes():
        # One that ends just now has no figure.
        try:
            total += figure(process)
        except psutil.NoSuchProcess:
            continue
    return total


def _spark_processes() -> list[psutil.Process]:
    here = psutil.Process()
    jvms = [child for child in here.children() if child.name() == "java"]
    return [here, *jvms, *(worker for jvm in jvms for worker in jvm.children(recursive=True))]
