"""The code that Spark jobs need, as one zip for ``spark-submit --py-files``: the same bytes from the same files.

``python -m spark_jobs.package FOLDER`` writes ``fleetlake.zip`` and ``main.py`` there.
"""

import io
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from runtime.settings import REPOSITORY

PACKAGES = ("runtime", "lake", "models", "spark_jobs", "contracts")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build_zip(contracts_folder: Path | None = None) -> bytes:
    """Bytes of fleetlake.zip; `contracts_folder` takes the place of the checkout's contracts."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        for package in PACKAGES:
            folder = contracts_folder if package == "contracts" and contracts_folder else REPOSITORY / package
            for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.yaml")]):
                name = f"{package}/{file.relative_to(folder).as_posix()}"
                packed.writestr(zipfile.ZipInfo(name, _EPOCH), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def write_package(folder: Path, contracts_folder: Path | None = None) -> tuple[Path, Path]:
    """Write ``fleetlake.zip`` and ``main.py`` to `folder`, each at once, so that a job never reads half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        _write_whole(folder / "fleetlake.zip", build_zip(contracts_folder)),
        _write_whole(folder / "main.py", (REPOSITORY / "spark_jobs" / "main.py").read_bytes()),
    )


def _write_whole(target: Path, content: bytes) -> Path:
    if target.is_file() and target.read_bytes() == content:
        return target
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as draft:
        draft.write(content)
    shutil.copymode(REPOSITORY / "pyproject.toml", draft.name)
    os.replace(draft.name, target)
    return target


if __name__ == "__main__":
    for path in write_package(Path(sys.argv[1])):
        sys.stdout.write(f"{path} {path.stat().st_size} bytes\n")
