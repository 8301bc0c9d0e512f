"""``python -m spark_jobs.submit JOB …``: one Spark job by spark-submit, as this platform is configured.

This process becomes spark-submit and then its JVM, which ends when the one who started it ends; main.py in turn ends with
the JVM. So a killed Airflow task leaves nothing behind.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from runtime.errors import FleetlakeError, SetupError
from runtime.java import java_home
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings
from spark_jobs.package import write_package
from spark_jobs.tether import end_with_parent


def main(arguments: Sequence[str]) -> NoReturn:
    settings = Settings.from_environment()
    try:
        platform = current_platform(settings)
        words, environment = command(platform, arguments), job_environment(settings)
    except FleetlakeError as error:
        sys.stderr.write(f"spark-submit {' '.join(arguments)}: {error}\n")
        sys.exit(error.job_exit_code)
    end_with_parent()
    os.execvpe(words[0], words, environment)


def command(platform: Platform, arguments: Sequence[str]) -> list[str]:
    """The command line of spark-submit: configuration, zip, main.py and the job's arguments."""
    settings = platform.settings
    (settings.home / "tmp").mkdir(parents=True, exist_ok=True)
    archive, entry = write_package(settings.home / "build", settings.contracts_folder)
    options = [word for key, value in platform.spark_conf().items() for word in ("--conf", f"{key}={value}")]
    spark_submit = _pyspark() / "bin" / "spark-submit"
    return [str(spark_submit), *options, "--py-files", str(archive), str(entry), *arguments]


def _pyspark() -> Path:
    """Where it is installed. Not imported: that takes longer than all else here."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise SetupError("spark-submit: pyspark is not installed; `make test` or `make demo` sets it up")
    return Path(found.origin).parent


def job_environment(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a job: its settings, its Python, its Java, loopback."""
    python = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, "SPARK_LOCAL_IP": settings.bind_address}
    home = java_home(settings)
    java = {"JAVA_HOME": str(home)} if home else {}
    # Both would have every process compile every import again, or import a checkout instead of the zip.
    kept = {name: value for name, value in environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "SPARK_HOME")}
    return kept | settings.environment() | python | java


if __name__ == "__main__":
    main(sys.argv[1:])
