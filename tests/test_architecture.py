"""What holds for the whole tree: sizes, layers, settings, generated pages, words that must not be in it."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

from runtime.settings import env_example

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "runtime",
    "lake",
    "fleet",
    "ingestion",
    "spark_jobs",
    "models",
    "services",
    "dags",
    "local",
    "cli",
    "infra",
    "tests",
    "benchmarks",
)
REASONS_TO_SKIP = (
    "is absent: set FLEETLAKE_DATA",
    "needs the Amazon provider",
    "needs chromium",
    "needs Java's wheel",
    "needs aws-cdk-lib",
)


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_no_python_file_is_longer_than_300_lines() -> None:
    long = {str(file.relative_to(ROOT)): count for file in tracked("*.py") if (count := len(file.read_text().splitlines())) > 300}
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in tracked("*.py")
        if file.read_text().strip() and ast.get_docstring(ast.parse(file.read_text())) is None
    ]
    assert silent == []


def test_the_settings_and_the_example_file_are_equal() -> None:
    assert (ROOT / ".env.example").read_text() == env_example()


def test_only_settings_read_the_environment() -> None:
    # The edge of the command line, the Makefile's set-up and process launchers hand an environment on; nobody else looks at it.
    allowed = {"runtime/settings.py", "cli/main.py", "local/set_up.py"}
    readers = {
        str(file.relative_to(ROOT))
        for package in ("runtime", "lake", "fleet", "ingestion", "spark_jobs", "models", "services", "dags", "cli")
        for file in tracked(f"{package}/*.py")
        if re.search(r"os\.environ\[|os\.environ\.get|os\.getenv", file.read_text())
    }
    assert readers - allowed == set()


def test_the_held_layers_are_all_packages_of_the_tree() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert set(held) == set(PACKAGES) - {"tests", "benchmarks"}
    # Of a folder without one import-linter sees no import at all.
    assert [name for name in held if not (ROOT / name / "__init__.py").is_file()] == []


def test_only_runtime_makes_boto3_clients() -> None:
    makers = [
        str(file.relative_to(ROOT))
        for package in PACKAGES
        if package not in ("runtime", "tests")
        for file in tracked(f"{package}/*.py")
        if "import boto3" in file.read_text()
    ]
    assert makers == []


def test_only_layout_composes_the_keys_of_the_lake() -> None:
    composed = re.compile(r"f?[\"'](bronze|quarantine)/\{?|ingest_date=\{|ingest_hour=\{")
    makers = [
        str(file.relative_to(ROOT))
        for package in ("runtime", "lake", "fleet", "ingestion", "spark_jobs", "models", "services", "local", "cli")
        for file in tracked(f"{package}/*.py")
        if file.name != "layout.py" and composed.search(file.read_text())
    ]
    assert makers == []


def test_nothing_names_a_registry_host() -> None:
    # Written in two parts so that this file does not name them either.
    hosts = [
        "pypi" + ".org",
        "pythonhosted" + ".org",
        "repo1.maven" + ".org",
        "repo.maven" + ".apache",
        "registry.npmjs" + ".org",
        "deb.debian" + ".org",
    ]
    named = [
        (str(file.relative_to(ROOT)), host)
        for file in tracked()
        if file.suffix != ".png"
        for host in hosts
        if host in file.read_text(errors="ignore")
    ]
    assert named == []


def test_skips_have_a_reason_from_the_list() -> None:
    skip = re.compile(r"pytest\.skip\((.*)\)|reason=(.*)")
    for file in tracked("tests/*.py"):
        if file.name == "test_architecture.py":
            continue
        for line in file.read_text().splitlines():
            if ("pytest.skip(" in line or "mark.skip" in line or "importorskip(" in line) and skip.search(line):
                assert any(reason in line for reason in REASONS_TO_SKIP), f"{file.name}: {line.strip()}"


def test_questions_of_ours_are_in_words_that_duckdb_and_athena_both_have() -> None:
    """On AWS Athena answers them; `runtime/athena.py` says what is DuckDB's alone."""
    asking = [file for folder in ("models", "services/shadow", "spark_jobs") for file in (ROOT / folder).rglob("*.py")]
    asking += [ROOT / "lake" / f"{name}.py" for name in ("arrivals", "lineage", "training_set", "reading_versions")]
    of_duckdb = re.compile(
        r"\b(arg_max|arg_min)\(|\bQUALIFY\b|GROUP BY ALL|\bASOF JOIN\b|\btime_bucket\(|\w::(date|timestamp|varchar|double|int)"
    )
    found = [(file.name, match[0]) for file in asking for match in of_duckdb.finditer(file.read_text())]
    assert len(asking) > 40
    assert found == []
