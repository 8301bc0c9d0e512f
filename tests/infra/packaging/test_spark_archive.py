"""The archive of the Spark jobs: its code, and an environment that works wherever it lies.

The environment here has the few libraries of requirements/ingest.lock; the whole one is hundreds of megabytes: `make proof-packages`.
"""

import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra.packaging import spark_archive
from infra.packaging.archives import make_tar
from infra.packaging.libraries import Libraries
from infra.packaging.modules import Code
from infra.packaging.package import Order
from infra.packaging.spark_archive import LIBRARIES as SPARK_LIBRARIES
from infra.packaging.spark_archive import SPARK, make_environment
from runtime.settings import REPOSITORY

pytestmark = pytest.mark.long

LIBRARIES = "pandas, pyiceberg.table, great_expectations, lightgbm, sklearn, duckdb, pyarrow.fs, pyiceberg_core"
# As spark-submit does: --py-files on the path, main.py run from beside it, the libraries those of the environment's own interpreter.
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import spark_jobs.main as main
assert main.__file__.startswith(sys.argv[1]), main.__file__
import {libraries}
print(sys.prefix)
print({first}.__file__)
print(main.unpacked_contracts())
"""


def imported(environment: Path, archive: Path, libraries: str, home: Path) -> list[str]:
    """Prefix, file of the first library, folder of the contracts; by the environment's interpreter, with nothing of this one."""
    program = RUN.format(libraries=libraries, first=libraries.partition(",")[0])
    command = [str(environment / "bin" / "python"), "-I", "-c", program, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home, env={"HOME": str(home)}, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def interpreted_here(environment: Path) -> None:
    """This machine's Python in place of the release's, which may not be here."""
    for name in ("python", "python3"):
        (environment / "bin" / name).unlink()
        (environment / "bin" / name).symlink_to(Path(sys.executable).resolve())
    configuration = environment / "pyvenv.cfg"
    configuration.write_text(configuration.read_text().replace("/usr/bin", str(Path(sys.executable).resolve().parent)))


def test_the_environment_works_in_another_folder_than_it_was_made_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_archive, "LIBRARIES", Libraries("ingest", "3.11", frozenset({"s3"}), ("pyarrow/*",)))
    made, elsewhere, archive = tmp_path / "made", tmp_path / "elsewhere", tmp_path / "archive"
    made.mkdir()
    make_environment(made, Order(installed=True))
    make_tar(made, tmp_path / "environment.tar.gz")
    made.rename(tmp_path / "gone")
    with tarfile.open(tmp_path / "environment.tar.gz") as packed:
        packed.extractall(elsewhere, filter="fully_trusted")
    archive.mkdir()
    SPARK.add_code(archive)
    prefix, numpy, contracts = imported(elsewhere, archive / "fleetlake.zip", "numpy, orjson, yaml, boto3", tmp_path)
    assert prefix == str(elsewhere)
    assert numpy == f"{elsewhere}/lib/python3.11/site-packages/numpy/__init__.py"
    assert {file.name for file in Path(contracts).iterdir()} == {file.name for file in (REPOSITORY / "contracts").glob("*.yaml")}


def test_no_file_that_the_libraries_load_is_left_out() -> None:
    """The whole environment is built by `make proof-packages`; SciPy asks for a part of numpy that looked unused."""
    program = f"import sys, {LIBRARIES}\nfor module in list(sys.modules.values()): print(getattr(module, '__file__', ''))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=240).stdout
    loaded = {line.partition("/site-packages/")[2] for line in told.splitlines()} - {""}
    assert {"numpy/f2py/__init__.py", "great_expectations/__init__.py"} <= loaded
    assert sorted(path for path in loaded if SPARK_LIBRARIES.is_stripped(path)) == []


def test_its_interpreter_is_that_of_the_release_where_it_is_not_to_be_tried_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Libraries, "install", lambda *_: None)
    make_environment(tmp_path, Order(architecture="arm64"))
    assert (tmp_path / "bin" / "python").readlink() == Path("/usr/bin/python3.11")
    assert "home = /usr/bin\n" in (tmp_path / "pyvenv.cfg").read_text()


def test_the_zip_holds_the_packages_that_a_job_imports_and_the_contracts(tmp_path: Path) -> None:
    SPARK.add_code(tmp_path)
    names = zipfile.ZipFile(tmp_path / "fleetlake.zip").namelist()
    assert {name.partition("/")[0] for name in names} == {"runtime", "lake", "models", "spark_jobs", "contracts"}
    assert {"spark_jobs/main.py", "spark_jobs/silver.py", "contracts/pump.yaml", "runtime/aws.py"} <= set(names)
    assert {path.name for path in tmp_path.iterdir()} == {"fleetlake.zip", "main.py"}
    told = subprocess.run([sys.executable, "-I", tmp_path / "main.py", "--help"], capture_output=True, text=True, check=True, cwd="/")
    assert "--run-id" in told.stdout


@pytest.mark.parametrize("lock", ["spark", "training", "api-image", "worker"])
def test_every_library_that_the_code_imports_is_locked(lock: str) -> None:
    assert sorted(missing(lock)) == []


def missing(lock: str) -> set[str]:
    # PySpark is EMR's; what a laptop, Airflow and Lambda do in the reach of the code is not run there.
    left_out = ("runtime.local", "runtime.aws_tasks", "runtime.jars", "runtime.java", "services.lambda_handler")
    entries = {
        "spark": ("spark_jobs.main",),
        "training": ("models.train",),
        "api-image": ("services.server", "services.shadow.endpoints"),
        "worker": ("ingestion.worker_process",),
    }
    names = Code(entries[lock], left_out).libraries() - set(sys.stdlib_module_names) - {"pyspark"}
    known, locked = packages_distributions(), Libraries(lock, "3.11").locked().keys()
    assert {"boto3", "pyarrow"} <= names
    return {name for name in names if not {distribution.lower().replace("_", "-") for distribution in known.get(name, [name])} & locked}
