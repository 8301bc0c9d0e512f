"""Quarantined rows as they are read for the command line."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from lake.quarantine_rows import rows_of
from runtime.errors import UserError
from runtime.platforms import Platform
from runtime.settings import REPOSITORY
from tests.lake.small_lake import SmallLake

_READ = """
import sys
from pathlib import Path
import pyarrow.parquet
from lake.quarantine_rows import rows_of

class S3:
    def get_object(self, Bucket, Key):
        return {"Body": open(Key, "rb")}

class Platform:
    lake_bucket = ""
    def client(self, service):
        return S3()

def threads():
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else 0

before = threads()
assert len(list(rows_of(Platform(), sys.argv[1]))) == 1
print(threads() - before)
"""


def test_reading_rows_leaves_no_thread_of_arrow_that_could_abort_the_process_at_its_end(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    lake.put_quarantined(b"{")
    (file,) = lake.platform.object_folder.rglob("*.parquet")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", _READ, str(file)], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "0"


def test_an_object_that_is_no_parquet_is_named() -> None:
    class _Damaged:
        lake_bucket = "lake"

        def client(self, _service: str) -> "_Damaged":
            return self

        def get_object(self, **_asked: str) -> dict[str, io.BytesIO]:
            return {"Body": io.BytesIO(b"PAR1 cut short")}

    with pytest.raises(UserError, match=r"^object quarantine/boiler/x\.parquet in lake: cannot be read as Parquet: .*; bring back"):
        list(rows_of(cast("Platform", _Damaged()), "quarantine/boiler/x.parquet"))
