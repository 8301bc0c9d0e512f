"""The zip of the jobs' code: the same bytes from the same files, complete, and enough to run where there is no checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runtime.settings import REPOSITORY
from spark_jobs.package import build_zip, write_package


def test_the_same_files_give_the_same_bytes() -> None:
    assert build_zip() == build_zip()


def test_it_holds_every_module_of_the_jobs_layers_and_the_contracts(tmp_path: Path) -> None:
    archive, _ = write_package(tmp_path)
    names = set(zipfile.ZipFile(archive).namelist())
    for package in ("runtime", "lake", "models", "spark_jobs"):
        files = {f"{package}/{file.relative_to(REPOSITORY / package)}" for file in (REPOSITORY / package).rglob("*.py")}
        assert files <= names
    assert {f"contracts/{file.name}" for file in (REPOSITORY / "contracts").glob("*.yaml")} <= names
    assert not [name for name in names if name.startswith(("tests/", "local/", "cli/", "dags/"))]


def test_contracts_of_another_folder_travel_instead(tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "lift.yaml").write_text("contract: lift\n")
    archive, _ = write_package(tmp_path / "out", folder)
    contracts = [name for name in zipfile.ZipFile(archive).namelist() if name.startswith("contracts/")]
    assert contracts == ["contracts/lift.yaml"]


def test_main_finds_the_packed_contracts_where_there_is_no_checkout(tmp_path: Path) -> None:
    archive, entry = write_package(tmp_path)
    code = "import main; print(sorted(file.name for file in main.unpacked_contracts().iterdir()))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = [{str(archive)!r}, {str(entry.parent)!r}]; {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "['environment.yaml', 'maintenance.yaml', 'pump.yaml', 'turbofan.yaml']", done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dance", "--contract", "pump", "--run-id", "r"], "there is no job dance; there are silver,"),
        (["silver", "--run-id", "r"], "the following arguments are required: --contract"),
    ],
)
def test_a_wrong_command_line_is_usage_and_says_so(tmp_path: Path, arguments: list[str], words: str) -> None:
    _, entry = write_package(tmp_path)
    done = subprocess.run([sys.executable, str(entry), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
