"""The Lambda functions' packages: one for the function that ingests, one for those of the APIs.

The runtime is Python 3.12: those of 3.11 and before run on Amazon Linux 2, whose C library is too old for the wheels of pyarrow and
numpy. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from infra.packaging.archives import make_zip, size
from infra.packaging.libraries import Libraries, compile_code, interpreter_of
from infra.packaging.modules import Code, contracts, copy_sources
from infra.packaging.package import Order, make_room, mebibytes
from runtime.errors import SetupError
from runtime.settings import REPOSITORY

PYTHON = "3.12"
# AWS's limit of a function with its layers, unpacked.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 250 * 1024 * 1024
# Reachable in the text alone: what a laptop, Airflow or Spark needs of the platforms.
_NOT_ON_LAMBDA = ("runtime.local", "runtime.aws_tasks")
# pyarrow's own S3 client, for boto3 puts objects; and what of numpy SciPy alone asks for.
_INGEST_UNUSED = ("pyarrow/_s3fs*", "pyarrow/libarrow_s3*", "numpy/f2py/*")
# PyIceberg's command line and its client of Hive; of two ways to zstd the one that is taken second.
_ICEBERG_UNUSED = (
    *("pyiceberg/cli/*", "rich/*", "pygments/*", "markdown_it/*", "mdurl/*", "hive_metastore/*", "fb303/*"),
    *("zstandard/_cffi*", "pycparser/*"),
)


@dataclass(frozen=True)
class FunctionContents:
    """`handlers`: modules with a `handler` each."""

    name: str
    handlers: tuple[str, ...]
    code: Code
    libraries: Libraries

    def sources(self) -> list[Path]:
        return [*self.code.files(), *contracts(), self.libraries.lock_file, REPOSITORY / "pyproject.toml"]

    def build(self, order: Order) -> str:
        folder = make_room(order.out, self.name)
        self.libraries.copy_installed(folder) if order.installed else self.libraries.install(folder, order.architecture)
        self.add_code(folder)
        interpreter = sys.executable if order.installed else interpreter_of(PYTHON)
        told = self._zipped(folder, order.out / f"{self.name}.zip", interpreter)
        return told + (self._measured(folder) if order.installed else "")

    def add_code(self, folder: Path) -> None:
        """Our own modules, the contracts, and the version that all of it is."""
        copy_sources([*self.code.files(), *contracts(), REPOSITORY / "pyproject.toml"], folder)

    def _zipped(self, folder: Path, archive: Path, interpreter: str | None) -> str:
        told = ""
        if interpreter:
            compile_code(folder, interpreter)
        else:
            told = f"{self.name}: there is no Python {PYTHON} here to compile with; its cold starts will take longer\n"
        make_zip(folder, archive)
        unpacked = size(folder)
        if unpacked > MOST_BYTES:
            raise SetupError(f"package {self.name}: {mebibytes(unpacked)} unpacked, Lambda takes {mebibytes(MOST_BYTES)}")
        return f"{told}{archive}: {mebibytes(archive.stat().st_size)}, unpacked {mebibytes(unpacked)} of {mebibytes(MOST_BYTES)}\n"

    def _measured(self, folder: Path) -> str:
        return "".join(f"  {handler}: {_best(folder, handler)}\n" for handler in self.handlers)


INGEST = FunctionContents(
    "ingest",
    ("ingestion.lambda_handler",),
    Code(("ingestion.lambda_handler",), _NOT_ON_LAMBDA),
    # The services whose clients the function makes, and the one that botocore makes for a role.
    Libraries(
        "ingest",
        PYTHON,
        frozenset({"s3", "sqs", "lambda", "sts", "secretsmanager", "timestream-write", "timestream-query"}),
        _INGEST_UNUSED,
    ),
)
# Of telemetry and of SQL over the lake it has nothing: they need DuckDB and pandas, and are served by the image alone.
_API_HANDLERS = ("services.lambda_handler", "services.shadow.feed", "services.shadow.fleet_shadow")
API_PARTS = ("auth", "devices", "shadow")
API = FunctionContents(
    "api",
    _API_HANDLERS,
    Code(
        # The application imports the parts' routers by name.
        (*_API_HANDLERS, *(f"services.{part}.endpoints" for part in API_PARTS)),
        # Athena answers what `services.shadow.fleet_shadow` asks of the lake.
        (*_NOT_ON_LAMBDA, "services.telemetry", "lake.query_duckdb", "lake.query_copied", "lake.confined"),
    ),
    Libraries(
        "api-function",
        PYTHON,
        frozenset(
            {
                *("athena", "cognito-identity", "cognito-idp", "dynamodb", "glue", "iot", "iot-data", "secretsmanager", "sqs", "sts"),
                *("timestream-query", "timestream-write"),
            }
        ),
        _ICEBERG_UNUSED,
    ),
)


def import_seconds(folder: Path, handler: str) -> tuple[float, float]:
    """Wall and CPU time of a fresh interpreter that has nothing but the package, until all that the handler needs is imported."""
    begun, before = time.perf_counter(), os.times()
    program = f"import sys; sys.path.insert(0, sys.argv[1]); import {handler}; import runtime.aws, boto3"
    # With the environment of a function that is told just where it runs.
    environment = {"FLEETLAKE_PLATFORM": "aws", "FLEETLAKE_API_PARTS": ",".join(API_PARTS), "HOME": str(folder)}
    subprocess.run([sys.executable, "-I", "-S", "-c", program, str(folder)], check=True, env=environment)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu


def _best(folder: Path, handler: str) -> str:
    import_seconds(folder, handler)
    wall, cpu = min(import_seconds(folder, handler) for _ in range(5))
    return f"imported in {wall:.2f} s ({cpu:.2f} s of CPU) by a fresh interpreter, best of 5"
