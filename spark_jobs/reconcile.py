"""The daily look at all of bronze: whatever no settled run has planned is merged, in whichever partition it lies."""

from spark_jobs.publication import Outcome
from spark_jobs.session import SparkLake
from spark_jobs.silver import Gate, Selection
from spark_jobs.silver import run as run_silver


def run(lake: SparkLake, contract: str, run: str, gate: Gate | None = None) -> Outcome:
    return run_silver(lake, contract, run, Selection(everything=True), gate)
