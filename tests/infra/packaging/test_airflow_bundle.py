"""The bundle of MWAA, with Airflow as it is installed here, and on the newest that MWAA takes (`make test-mwaa`)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.packaging.airflow_bundle import AIRFLOW, startup_script
from infra.packaging.package import Order

pytestmark = pytest.mark.long

PARSE = """
import json, sys
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
sys.path.insert(0, sys.argv[1])
bag = DagBag(sys.argv[1])
import runtime.aws, lake.contracts
ours = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ("runtime", "lake", "models")}
print("RESULT" + json.dumps([sorted(bag.dags), {k: str(v) for k, v in bag.import_errors.items()}, sorted(ours.values())]))
"""
# Settings that AWS must give: what a DAG says at parse time when one is missing is another test's matter.
SETTINGS = {
    "FLEETLAKE_PLATFORM": "aws",
    "FLEETLAKE_EMR_APPLICATION": "00f1abcd",
    "FLEETLAKE_EMR_ROLE": "arn:aws:iam::123456789012:role/spark",
    "FLEETLAKE_EMR_ARCHIVE": "s3://fleetlake-artifacts/emr",
    "FLEETLAKE_TRAINING_IMAGE": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/training:1",
    "FLEETLAKE_TRAINING_ROLE": "arn:aws:iam::123456789012:role/training",
}
CONTRACTS = ("environment", "maintenance", "pump", "turbofan")
DAGS = {f"{kind}_{contract}" for kind in ("pipeline", "rebuild", "settle") for contract in CONTRACTS} | {
    *("score_turbofan", "reconcile", "maintain_lake", "watch_fleet", "train_rul", "erase_device")
}


def parsed(bundle: Path, python: str, home: Path) -> tuple[set[str], dict[str, str], list[str]]:
    """DAGs, errors, and the files of our modules, by an Airflow that has nothing of ours but the bundle."""
    environment = {"PATH": os.defpath, "HOME": str(home), "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "false"} | SETTINGS
    command = [python, "-I", "-c", PARSE, str(bundle / "dags")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    dags, errors, files = json.loads(done.stdout.partition("RESULT")[2])
    return set(dags), errors, files


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle")
    AIRFLOW.build(Order(out))
    return out / "airflow"


def test_its_dags_are_parsed_with_nothing_of_ours_but_the_bundle(bundle: Path, tmp_path: Path) -> None:
    dags, errors, files = parsed(bundle, sys.executable, tmp_path)
    assert (dags, errors) == (DAGS, {})
    assert len(files) > 10
    assert [file for file in files if not file.startswith(str(bundle))] == []


def test_airflow_takes_no_module_of_ours_for_a_dag(bundle: Path) -> None:
    folders = {path.name for path in (bundle / "dags").iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == {"contracts", "lake", "models", "runtime"}
    assert (bundle / "dags" / ".airflowignore").read_text().split() == sorted(f"{name}/" for name in folders)


def test_its_requirements_keep_to_the_constraints_of_mwaas_airflow(bundle: Path) -> None:
    first, *others = (bundle / "requirements.txt").read_text().splitlines()
    assert first.startswith('--constraint "https://')
    assert first.endswith('/constraints-3.0.6/constraints-3.12.txt"')
    assert others == ["apache-airflow-providers-amazon[aiobotocore]", "PyYAML"]


def test_the_startup_script_gives_values_as_they_are(tmp_path: Path) -> None:
    script = tmp_path / "startup.sh"
    script.write_text(startup_script({"FLEETLAKE_REGION": "eu-central-1", "FLEETLAKE_API_URL": "https://a b'$HOME`id`"}))
    shell = ["sh", "-c", f'. {script}; printf "%s|%s" "$FLEETLAKE_REGION" "$FLEETLAKE_API_URL"']
    assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == "eu-central-1|https://a b'$HOME`id`"
