"""A package's hash: it follows each source, and nothing else."""

from pathlib import Path

import pytest

from infra.packaging import package
from infra.packaging.__main__ import PACKAGES
from infra.packaging.package import digest
from runtime.settings import REPOSITORY


def test_it_follows_the_text_and_the_name_of_each_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "REPOSITORY", Path("/"))
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a")
    other.write_text("a")
    first = digest([one])
    assert first == digest([one, one])
    assert first != digest([other])
    assert first != digest([one], "x86_64")
    one.write_text("b")
    assert first != digest([one])


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("ingest", {"ingestion/lambda_handler.py", "contracts/pump.yaml", "requirements/ingest.lock", "pyproject.toml"}),
        ("api", {"services/shadow/endpoints.py", "fleet/shadow_feed.py", "requirements/api-function.lock"}),
        ("spark", {"spark_jobs/silver.py", "models/rul.py", "contracts/pump.yaml", "requirements/spark.lock"}),
        ("airflow", {"dags/pipeline.py", "runtime/aws_tasks.py", "contracts/pump.yaml"}),
    ],
)
def test_the_sources_of_a_package_are_what_it_is_made_of(name: str, sources: set[str]) -> None:
    found = {file.relative_to(REPOSITORY).as_posix() for file in PACKAGES[name].sources()}
    assert sources <= found
    assert not {file for file in found if file.startswith(("tests/", "local/", "cli/", "benchmarks/"))}
