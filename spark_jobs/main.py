"""The entry of every Spark job: ``spark-submit --py-files fleetlake.zip main.py JOB[,JOB…] --contract C[,C…] --run-id R``.

Several jobs in one session, one after the other, where they belong together; for several contracts, one after the other too. One line where a job fails for
a reason it can name, and exit code 1, or 4 where another try would end the same way: a run that the quality gate holds, a wrong contract.
"""

import argparse
import getpass
import importlib.util
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

# In place of a contract: what all of them share.
SHARED = "_shared"
JOBS = (
    "silver",
    "reconcile",
    "rebuild",
    "accept",
    "refuse",
    "gold_hourly",
    "gold_device_daily",
    "features",
    "score",
    "watch_fleet",
    "maintain",
    "erase",
)


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    import_installed_pyspark()
    from runtime import log
    from runtime.errors import FleetlakeError
    from runtime.settings import Settings

    settings = Settings.from_environment()
    log.configure(settings.log_level)
    try:
        if not settings.contracts_folder.is_dir():
            settings = replace(settings, contracts_folder=unpacked_contracts())
        return run_jobs(settings, options)
    except FleetlakeError as error:
        return failed(options.jobs, error, settings)


def import_installed_pyspark() -> None:
    """Take the archives of PySpark's sources off the path where the same PySpark is installed, compiled.

    spark-submit puts them first, and each process would compile the sources again.
    """
    path = list(sys.path)
    archives = [Path(entry) for entry in path if Path(entry).match("pyspark/python/lib/*.zip")]
    sys.path[:] = [entry for entry in path if Path(entry) not in archives]
    found = importlib.util.find_spec("pyspark")
    if (
        found is None
        or found.origin is None
        or any(Path(found.origin).resolve().parent not in archive.resolve().parents for archive in archives)
    ):
        sys.path[:] = path


def failed(what: str, error: Any, settings: Any) -> int:
    """Say in one line what failed and why; the exit code."""
    from runtime import log

    # On EMR the exit code is read from this line.
    code = int(error.job_exit_code)
    log.logger("main").error(f"{what}: {error}", exc_info=settings.debug, extra={"exit_code": code})
    return code


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="main.py", description="Run Spark jobs of fleetlake, one after the other in one session.")
    parser.add_argument("jobs", help=f"one or more of {', '.join(JOBS)}, joined by commas")
    parser.add_argument("--contract", required=True, help="one or more contracts, joined by commas")
    parser.add_argument("--run-id", required=True, help="id of the Airflow run; the job adds its try")
    parser.add_argument("--day", type=_day, help="rebuild: the event day, such as 2026-03-02")
    parser.add_argument("--run", default="", help="accept, refuse: the held run")
    parser.add_argument("--why", default="", help="accept, refuse, erase: the reason")
    parser.add_argument("--who", default="", help="accept, refuse, erase: who decides; else the user of the process")
    parser.add_argument("--table", default="", help="maintain: one or more tables, joined by commas; none: all of the contract")
    # With a value too, so that a template can say no.
    parser.add_argument(
        "--dry-run", nargs="?", const="yes", default="no", choices=("yes", "no"), help="maintain, erase: say what would be done"
    )
    parser.add_argument("--device", default="", help="erase: the device")
    options = parser.parse_args(arguments)
    options.dry_run = options.dry_run == "yes"
    options.who = options.who or getpass.getuser()
    unknown = [job for job in options.jobs.split(",") if job not in JOBS]
    if unknown:
        parser.error(f"there is no job {', '.join(unknown)}; there are {', '.join(JOBS)}")
    if "rebuild" in options.jobs.split(",") and options.day is None:
        parser.error("rebuild: which event day? give --day")
    return options


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        words = f"{text!r} is no day, such as 2026-03-02; an Airflow run without a data interval needs the parameter day"
        raise argparse.ArgumentTypeError(words) from None


def run_jobs(settings: Any, options: argparse.Namespace) -> int:
    """The exit code. A job that fails is named by its own name, and no other follows."""
    from lake.contracts import sound_contracts
    from runtime import log
    from runtime.catalog_trouble import catalog_error
    from runtime.errors import FleetlakeError
    from runtime.platforms import current_platform
    from spark_jobs.session import LazyLake
    from spark_jobs.tether import end_with_parent

    end_with_parent()
    platform = current_platform(settings)
    contracts = sound_contracts(settings.contracts_folder)
    named = [name if name == SHARED else contracts.named(name).name for name in options.contract.split(",")]
    lake = LazyLake(platform, contracts, f"{options.jobs} {options.contract}")
    try:
        for contract in named:
            for job in options.jobs.split(","):
                log.logger("main").info(f"{job} of {contract} begins")
                try:
                    steps()[job](lake, argparse.Namespace(**{**vars(options), "contract": contract}))
                except FleetlakeError as error:
                    return failed(job, error, settings)
                # Of whichever class SQLAlchemy or Spark raises it: anything but the catalog's trouble goes on as it came.
                except Exception as error:
                    trouble = catalog_error(error)
                    if trouble is None:
                        raise
                    return failed(job, trouble, settings)
        return 0
    finally:
        lake.stop()


def steps() -> dict[str, Callable[[Any, argparse.Namespace], object]]:
    """Each job by name. Its module is imported when it runs: the quality gate's libraries alone take seconds."""

    def silver(lake: Any, options: argparse.Namespace) -> object:
        from spark_jobs.silver import run

        return run(lake, options.contract, options.run_id)

    def reconcile(lake: Any, options: argparse.Namespace) -> object:
        from spark_jobs.reconcile import run

        return run(lake, options.contract, options.run_id)

    def rebuild(lake: Any, options: argparse.Namespace) -> object:
        from spark_jobs.rebuild import run

        return run(lake, options.contract, options.run_id, options.day)

    def settle(name: str) -> Callable[[Any, argparse.Namespace], object]:
        def step(lake: Any, options: argparse.Namespace) -> object:
            from spark_jobs import settle

            return getattr(settle, name)(lake, options.contract, options.run_id, options.run, options.why, options.who)

        return step

    def simple(name: str) -> Callable[[Any, argparse.Namespace], object]:
        def step(lake: Any, options: argparse.Namespace) -> object:
            return importlib.import_module(f"spark_jobs.{name}").run(lake, options.contract, options.run_id)

        return step

    def maintain(lake: Any, options: argparse.Namespace) -> object:
        from spark_jobs.maintain import run

        tables = [name for name in options.table.split(",") if name]
        return run(lake, options.contract, options.run_id, tables, options.dry_run)

    def erase(lake: Any, options: argparse.Namespace) -> object:
        from spark_jobs.erase import run

        return run(lake, options.device, options.run_id, options.why, options.who, options.dry_run)

    derived = {name: simple(name) for name in ("gold_hourly", "gold_device_daily", "features", "score", "watch_fleet")}
    return {
        "silver": silver,
        "reconcile": reconcile,
        "rebuild": rebuild,
        "accept": settle("accept"),
        "refuse": settle("refuse"),
        "maintain": maintain,
        "erase": erase,
        **derived,
    }


def unpacked_contracts() -> Path:
    """The contracts that travel in the zip, as files: on EMR there is no checkout."""
    import runtime.settings

    archive = Path(runtime.settings.__file__).parents[1]
    target = Path(tempfile.mkdtemp(prefix="fleetlake-contracts-"))
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            if name.startswith("contracts/") and name.endswith(".yaml"):
                (target / Path(name).name).write_bytes(packed.read(name))
    return target


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
