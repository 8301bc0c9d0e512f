"""Which processes' CPU counts as Spark's: this one, a child called java, and that one's children, also when they have ended."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.weigh import jvm_read, spark_cpu, weighed

# A process that burns CPU and ends, of another that burns as much, says so, and waits.
BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
PARENT = f"import subprocess, sys\n{BURN}subprocess.run([sys.executable, '-S', '-c', {BURN!r}], check=True)\nprint('burnt', flush=True)\nsys.stdin.read()"
BOTH = 0.6
READER = "import sys\nprint(flush=True)\nsys.stdin.readline()\nopen(sys.argv[1], 'rb').read()\nprint(flush=True)\nsys.stdin.read()"


def test_a_jvm_counts_with_its_workers_that_have_ended_and_others_do_not(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.symlink_to(sys.executable)
    before = spark_cpu()
    with _burnt(sys.executable):
        own = time.process_time()
        assert spark_cpu() - before < BOTH / 2
        with _burnt(str(java)):
            assert spark_cpu() - before - (time.process_time() - own) > BOTH - 0.1
            with weighed() as weight:
                pass
            assert weight.memory > psutil.Process().memory_full_info().pss + (1 << 20)


def test_what_a_block_costs_is_its_own_and_not_what_looking_at_memory_costs() -> None:
    begun = time.process_time()
    while time.process_time() < begun + 0.2:
        pass
    with weighed() as weight:
        begun = time.process_time()
        while time.process_time() < begun + 0.5:
            pass
    assert 0.4 < weight.cpu < 0.65
    assert weight.seconds >= 0.5 - 0.01


def test_what_a_jvm_reads_is_counted_and_what_others_read_is_not(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(5_000_000))
    java = tmp_path / "java"
    java.symlink_to(sys.executable)
    for program, least, most in ((sys.executable, 0, 0), (str(java), 5_000_000, 7_000_000)):
        with subprocess.Popen(
            [program, "-S", "-c", READER, str(tmp_path / "data")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout
            child.stdout.readline()
            before = jvm_read()
            print("now", file=child.stdin, flush=True)
            child.stdout.readline()
            assert least <= jvm_read() - before <= most
            child.communicate()


@contextmanager
def _burnt(program: str) -> Iterator[None]:
    with subprocess.Popen([program, "-S", "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "burnt\n"
        yield
        child.communicate()
