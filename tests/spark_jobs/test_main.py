"""How a job's driver imports PySpark: installed and compiled where it can, from spark-submit's archives where it must."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from runtime.settings import REPOSITORY

_SHOWN = """
from spark_jobs.main import import_installed_pyspark
import_installed_pyspark()
import py4j, pyspark
print(pyspark.__file__, py4j.__file__)
"""


def _archives() -> list[Path]:
    found = find_spec("pyspark")
    assert found is not None
    assert found.origin is not None
    archives = sorted((Path(found.origin).parent / "python" / "lib").glob("*.zip"))
    assert [archive.name.partition("-")[0] for archive in archives] == ["py4j", "pyspark.zip"]
    return archives


def _imported_with(archives: Sequence[Path]) -> str:
    """Where both come from in a driver that spark-submit gave the archives."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, archives))}
    return subprocess.run(
        [sys.executable, "-c", _SHOWN], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_a_driver_takes_the_installed_pyspark() -> None:
    assert ".zip" not in _imported_with(_archives())


def test_another_pyspark_is_taken_from_its_own_archives(tmp_path: Path) -> None:
    folder = tmp_path / "pyspark" / "python" / "lib"
    folder.mkdir(parents=True)
    copies = [Path(shutil.copy(archive, folder)) for archive in _archives()]
    assert _imported_with(copies).count(str(folder)) == 2
