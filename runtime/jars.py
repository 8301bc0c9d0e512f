"""The jars that Spark needs beside its own: Iceberg and SQLite's driver, fetched once from Maven through Spark's Ivy.

``python -m runtime.jars`` fetches what is missing and checks every byte; afterwards no network is needed.
"""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import SetupError
from runtime.java import java_home
from runtime.settings import Settings


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """As Ivy names it when it has resolved a coordinate for Spark."""
        return f"{self.group}_{self.artifact}-{self.version}.jar"


JARS = (
    Jar(
        "org.apache.iceberg",
        "iceberg-spark-runtime-4.1_2.13",
        "1.11.0",
        "d6ea6c5d099288daeb7d5a92061bd3d7d8f296492632b42378e5f2f0e3066242",
    ),
    Jar("org.xerial", "sqlite-jdbc", "3.46.1.3", "4a4832720a65eaf7f4d6fd7ede52087b994dc5633c076f9e994dc0c8b4b0b4fa"),
)
_RESOLVE = """
from pyspark.sql import SparkSession
import sys
conf = {"spark.jars.packages": sys.argv[1], "spark.jars.ivy": sys.argv[2], "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
builder = SparkSession.builder.master("local[1]")
for key, value in conf.items():
    builder = builder.config(key, value)
builder.getOrCreate().stop()
"""


def jar_paths(settings: Settings) -> list[Path]:
    """Where the jars lie once they are fetched; does not look whether they are there."""
    return [_ivy(settings) / "jars" / jar.file_name for jar in JARS]


def ensure_jars(settings: Settings) -> list[Path]:
    """The jars, fetched where missing and checked by SHA-256.

    Raises SetupError where they cannot be fetched, or are not what they must be.
    """
    if any(not path.is_file() for path in jar_paths(settings)):
        _fetch(settings)
    for jar, path in zip(JARS, jar_paths(settings), strict=True):
        _check(jar, path)
    return jar_paths(settings)


def _ivy(settings: Settings) -> Path:
    return settings.cache / "ivy"


def _fetch(settings: Settings) -> None:
    environment = dict(os.environ) | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    home = java_home(settings)
    if home:
        environment["JAVA_HOME"] = str(home)
    coordinates = ",".join(jar.coordinate for jar in JARS)
    command = [sys.executable, "-c", _RESOLVE, coordinates, str(_ivy(settings))]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired:
        raise SetupError(f"fetch {coordinates}: no answer from Maven within 10 minutes; run it again") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "SERVER ERROR" in line or "not found" in line or "Exception" in line]
        last = (lines or done.stderr.splitlines() or ["no reason given"])[-1].strip()
        reason = re.sub(r'^Exception in thread "main" [\w.]+: ', "", last)
        raise SetupError(f"fetch {coordinates} into {_ivy(settings)}: {reason}; is Maven's repository reachable? Run it again")


def _check(jar: Jar, path: Path) -> None:
    if not path.is_file():
        raise SetupError(
            f"fetch {jar.coordinate}: Spark's Ivy ended well but {path} is not there; remove {path.parents[1]} and run it again"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != jar.sha256:
        path.unlink()
        raise SetupError(f"check {path.name}: its SHA-256 is {digest}, not {jar.sha256}; it was removed, run it again")


def main() -> int:
    try:
        paths = ensure_jars(Settings.from_environment())
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(str(path) for path in paths) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
