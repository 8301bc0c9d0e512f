"""A writer without Spark: ``python -m tests.spark_jobs.pyiceberg_writer HOME`` writes silver's rows anew into other files, again and again.

It publishes as every run does. Its last line is how often it did.
"""

import sys
import time
from pathlib import Path

from lake.contracts import load_contracts
from lake.tables import silver
from runtime.errors import PublishLost
from runtime.settings import REPOSITORY
from spark_jobs.branch import Branch
from spark_jobs.publication import publish
from spark_jobs.session import LazyLake
from tests.lake.histories import commit, rows_at
from tests.spark import folder_platform

_SECONDS = 20
_LEAST = 3


def main(home: Path) -> int:
    """How often it published."""
    lake = LazyLake(folder_platform(home), load_contracts(REPOSITORY / "contracts"), "pyiceberg_writer")
    table = silver(lake.contracts["pump"])

    def attempt(branch: Branch) -> list[str]:
        commit(branch, add=rows_at(branch.platform, table, branch.base_snapshot), instead=True)
        return []

    end, published, number = time.monotonic() + _SECONDS, 0, 0
    while time.monotonic() < end or published < _LEAST:
        number += 1
        try:
            published += publish(lake, table, "pump", f"pyiceberg{number}", attempt).snapshot_id is not None
        except PublishLost:
            continue
    return published


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]))}\n")
