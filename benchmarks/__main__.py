"""Every benchmark, one after the other, each in a process of its own.

``python -m benchmarks [PART ...] [--full] [--write] [--spark]`` (`make bench`): quick sizes take some minutes; ``--full`` has those of
docs/benchmarks.md, and Spark's too, and takes well over an hour; ``--write`` puts what was printed into that page and draws its picture.
"""

import argparse
import os
import platform
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks import page
from benchmarks.picture import of_decode
from runtime.settings import REPOSITORY


@dataclass(frozen=True)
class Part:
    """A module of this folder with its arguments in the two sizes."""

    name: str
    quick: str
    full: str
    only_full: bool = False


PARTS = (
    Part("decode", "--readings 5000", "--readings 50000"),
    Part("decode_real", "", "--large"),
    Part("spark_peer", "--readings 20000", "--readings 200000", only_full=True),
    Part("queue_to_lake", "--readings 100000 --rounds 1 --packs 250", "--readings 200000 --rounds 4"),
    Part("decode_alone", "--batches 40", "--batches 200"),
    Part("dollars", "--messages 800", "--messages 2000"),
    Part("timeseries", "--devices 100 --readings 300", "--devices 1000 --readings 1000"),
    Part("query", "--rows 500000", "--rows 10000000"),
    Part("apis", "--calls 800 --rounds 2", "--calls 3000 --rounds 5"),
    Part("compaction", "--runs 48 --devices 100", "--runs 96 --devices 1000", only_full=True),
    Part("growth", "--devices 1 --days 2", "--devices 5 --days 7", only_full=True),
    Part("increment", "--devices 2", "--devices 16", only_full=True),
    Part("tsbs", "--scales 10x24 --rounds 2", "--scales 10x72,100x72,1000x24", only_full=True),
)


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Linux, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"


def run(part: Part, full: bool) -> str:
    """What it printed, with its command and the machine above. Raises CalledProcessError where it failed."""
    words = ["-m", f"benchmarks.{part.name}", *shlex.split(part.full if full else part.quick)]
    # A thread, as every figure is CPU of one core.
    environment = os.environ | {"POLARS_MAX_THREADS": "1"}
    done = subprocess.run([sys.executable, *words], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    # The worker's own metrics are lines of JSON.
    printed = "\n".join(line for line in done.stdout.splitlines() if not line.startswith('{"_aws"'))
    return f"`python {' '.join(words)}` · {machine()}\n\n{printed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(part.name for part in PARTS))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--spark", action="store_true", help="Spark too in the quick sizes")
    asked = parser.parse_args()
    unknown = set(asked.parts) - {part.name for part in PARTS}
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: there is no such part")
    chosen = [part for part in PARTS if (part.name in asked.parts if asked.parts else asked.full or asked.spark or not part.only_full)]
    for number, part in enumerate(chosen, 1):
        print(f"[{number} of {len(chosen)}] {part.name} …", file=sys.stderr, flush=True)
        begun = time.monotonic()
        text = run(part, asked.full)
        print(f"{text}\n", flush=True)
        if asked.write:
            page.write(part.name, text)
            if part.name == "decode":
                page.PICTURE.write_text(of_decode(text))
        print(f"[{number} of {len(chosen)}] {part.name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
