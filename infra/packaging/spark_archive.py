"""The archive of the Spark jobs on EMR Serverless, as `runtime/aws_tasks.py` submits it: fleetlake.zip, main.py, environment.tar.gz."""

import shutil
import sys
import tempfile
from pathlib import Path

from infra.packaging.archives import make_tar, make_zip, size
from infra.packaging.libraries import Libraries, compile_code, interpreter_of
from infra.packaging.modules import contracts, copy_sources
from infra.packaging.package import Order, make_room, mebibytes
from runtime.settings import REPOSITORY

EMR_RELEASE = "emr-spark-8.1.0"
_PACKAGES = ("runtime", "lake", "spark_jobs", "models")
_PYTHON = "3.11"
# Of Amazon Linux 2023, and so of the release.
_INTERPRETER = Path("/usr/bin/python3.11")
# PySpark is EMR's own.
LIBRARIES = Libraries("spark", _PYTHON)


class SparkArchive:
    name = "spark"

    def sources(self) -> list[Path]:
        return [*_code(), LIBRARIES.lock_file]

    def build(self, order: Order) -> str:
        folder = make_room(order.out, self.name)
        with tempfile.TemporaryDirectory(prefix="environment-", dir=order.out) as made:
            make_environment(Path(made), order)
            make_tar(Path(made), folder / "environment.tar.gz")
            unpacked = size(Path(made))
        told = f"{mebibytes((folder / 'environment.tar.gz').stat().st_size)}, unpacked {mebibytes(unpacked)}"
        self.add_code(folder)
        return f"{folder}: fleetlake.zip {mebibytes((folder / 'fleetlake.zip').stat().st_size)}, environment.tar.gz {told}\n"

    def add_code(self, folder: Path) -> None:
        """fleetlake.zip and main.py, which need no library to be made."""
        code = folder / "code"
        copy_sources(_code(), code)
        make_zip(code, folder / "fleetlake.zip")
        shutil.rmtree(code)
        shutil.copyfile(REPOSITORY / "spark_jobs" / "main.py", folder / "main.py")


SPARK = SparkArchive()


def make_environment(folder: Path, order: Order) -> None:
    """A virtual environment that can lie anywhere: nothing in it names its own place, only that of the interpreter.

    It is made by hand, because one that is copied from this machine would have this machine's processor and interpreter.
    """
    interpreter = Path(sys.executable).resolve() if order.installed else _INTERPRETER
    libraries = folder / "lib" / f"python{_PYTHON}" / "site-packages"
    libraries.mkdir(parents=True)
    LIBRARIES.copy_installed(libraries) if order.installed else LIBRARIES.install(libraries, order.architecture)
    if compiler := interpreter_of(_PYTHON):
        compile_code(libraries, compiler)
    (folder / "bin").mkdir()
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(interpreter)
    (folder / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\ninclude-system-site-packages = false\nversion = {_PYTHON}\n")


def _code() -> list[Path]:
    """Whole packages: a job imports its module when it runs, whichever it is."""
    return [*sorted(file for package in _PACKAGES for file in (REPOSITORY / package).rglob("*.py")), *contracts()]
