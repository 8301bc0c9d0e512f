"""Policy over all DAGs, on the pinned Airflow (`make test`) and on the newest that MWAA takes (`make test-mwaa`).

Imports only what both environments have.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spark_jobs import main

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
TAGS = {"pipeline", "score", "train", "maintenance", "measurement", "event"}
_CONTRACTS = ("environment", "maintenance", "pump", "turbofan")
DAGS = {f"{kind}_{contract}" for kind in ("pipeline", "rebuild", "settle") for contract in _CONTRACTS} | {
    *("score_turbofan", "reconcile", "maintain_lake", "watch_fleet", "train_rul", "erase_device")
}
HEAVY = {"pandas", "pyspark", "boto3", "numpy", "pyarrow", "duckdb", "lightgbm", "great_expectations"}
JOB = re.compile(r'[",](silver|gold_hourly|gold_device_daily|features|score|reconcile|rebuild|maintain)(?=[",])')

_PARSE = """
import json, sys
from importlib.metadata import version
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
before = set(sys.modules)
bag = DagBag({dags!r})
dags = [
    dict(
        id=dag.dag_id, doc=dag.doc_md or "", tags=sorted(dag.tags), catchup=dag.catchup, max_active_runs=dag.max_active_runs,
        tasks=[
            dict(id=t.task_id, owner=t.owner, retries=t.retries, pool=t.pool, type=type(t).__name__,
                 upstream=sorted(t.upstream_task_ids), arguments=getattr(t, "bash_command", None),
                 tells_of_failure=bool(t.on_failure_callback), at_once=t.max_active_tis_per_dag)
            for t in dag.tasks
        ],
    )
    for dag in bag.dags.values()
]
loaded = sorted(m for m in set(sys.modules) - before if "." not in m)
print("RESULT" + json.dumps(dict(airflow=version("apache-airflow"), errors={{k: str(v) for k, v in bag.import_errors.items()}}, dags=dags, loaded=loaded)))
"""

# As Airflow renders a run that an asset or a person set off: it has no logical date, and so no `ds` and no `ts`.
_RENDER = """
import json
from datetime import datetime, timezone
from types import SimpleNamespace
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
run = SimpleNamespace(run_after=datetime(2026, 11, 28, 6, 53, 26, 701304, tzinfo=timezone.utc), logical_date=None)
shared = dict(run_id="asset_triggered__2026-11-28T06:53:26.701304+00:00_HPkLi0HE", dag_run=run, ti=SimpleNamespace(try_number=2))
rendered = {{}}
for dag in DagBag({dags!r}).dags.values():
    for task in dag.tasks:
        context = shared | dict(dag=dag, task=task, params=dag.params.dump())
        task.render_template_fields(context)
        rendered[f"{{dag.dag_id}}.{{task.task_id}}"] = {{name: getattr(task, name) for name in ("config", "job_driver", "env") if hasattr(task, name)}}
print("RESULT" + json.dumps(rendered))
"""


def parse(folder: Path, tmp_path: Path, **environment: str) -> dict[str, Any]:
    """What Airflow's own parser makes of the DAG folder, in a process of its own."""
    return in_airflow(_PARSE, folder, tmp_path, **environment)


def in_airflow(script: str, folder: Path, tmp_path: Path, **environment: str) -> dict[str, Any]:
    """The result that the script prints of the DAG folder."""
    return result_of(["-c", script.format(dags=str(folder))], tmp_path, **environment)


def result_of(arguments: list[str], tmp_path: Path, **environment: str) -> dict[str, Any]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("FLEETLAKE_", "AIRFLOW_"))}
    env |= {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": str(ROOT)}
    env |= {"FLEETLAKE_HOME": str(tmp_path / "home"), **environment}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line is not None, f"the parser died: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    found: dict[str, Any] = json.loads(line[len("RESULT") :])
    return found


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return parse(ROOT / "dags", tmp_path_factory.mktemp("parse"))


def test_every_dag_file_parses_without_an_error(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}


def test_the_dags_of_the_skeleton_are_there(parsed: dict[str, Any]) -> None:
    assert {dag["id"] for dag in parsed["dags"]} == DAGS


def test_parsing_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert HEAVY & set(parsed["loaded"]) == set()


def test_every_dag_says_what_it_makes_and_what_to_do_when_it_fails(parsed: dict[str, Any]) -> None:
    for dag in parsed["dags"]:
        assert "**Makes**" in dag["doc"], dag["id"]
        assert "**When it fails.**" in dag["doc"], dag["id"]


def test_every_dag_keeps_the_house_policy(parsed: dict[str, Any]) -> None:
    for dag in parsed["dags"]:
        assert dag["catchup"] is False, dag["id"]
        assert dag["max_active_runs"] == 1, dag["id"]
        assert dag["tags"], dag["id"]
        assert set(dag["tags"]) <= TAGS, dag["id"]
        for task in dag["tasks"]:
            assert task["owner"] in ("data-engineering", "machine-learning"), (dag["id"], task["id"])
            assert task["retries"] >= 1, (dag["id"], task["id"])
            assert task["pool"] == "compute", (dag["id"], task["id"])
            assert task["at_once"] == 1, (dag["id"], task["id"])
            assert task["tells_of_failure"], (dag["id"], task["id"])


def test_a_pipeline_is_one_job_of_all_its_steps(parsed: dict[str, Any]) -> None:
    tasks = {dag["id"]: [task["id"] for task in dag["tasks"]] for dag in parsed["dags"]}
    assert tasks["pipeline_turbofan"] == ["silver_gold_features"]
    # An event has no rollup of values and no features.
    assert tasks["pipeline_maintenance"] == ["silver_gold"]


def test_each_job_that_a_dag_names_exists(parsed: dict[str, Any]) -> None:
    named = set(JOB.findall("".join(file.read_text() for file in (ROOT / "dags").glob("*.py"))))
    assert named >= {"silver", "gold_hourly", "features", "score", "reconcile", "rebuild", "maintain"}
    for job in named:
        assert (ROOT / "spark_jobs" / f"{job}.py").is_file(), job


AWS = {
    "FLEETLAKE_PLATFORM": "aws",
    "FLEETLAKE_EMR_APPLICATION": "00f1abcd",
    "FLEETLAKE_EMR_ROLE": "arn:aws:iam::123456789012:role/spark",
    "FLEETLAKE_EMR_ARCHIVE": "s3://code/fleetlake",
    "FLEETLAKE_TRAINING_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/fleetlake:1",
    "FLEETLAKE_TRAINING_ROLE": "arn:aws:iam::123456789012:role/training",
}


def test_on_aws_the_same_files_give_emr_serverless_and_sagemaker_tasks(tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.amazon", reason="needs the Amazon provider")
    parsed = parse(ROOT / "dags", tmp_path, **AWS)
    assert parsed["errors"] == {}
    types = {(dag["id"], task["id"]): task["type"] for dag in parsed["dags"] for task in dag["tasks"]}
    assert types["pipeline_turbofan", "silver_gold_features"] == "EmrJobOperator"
    assert types["train_rul", "train"] == "SageMakerTrainingOperator"
    assert all(task["tells_of_failure"] for dag in parsed["dags"] for task in dag["tasks"])
    # The machines are AWS's, and of MWAA's pools one is there: a task of another would wait for ever.
    pools = {(dag["id"], task["id"]): task["pool"] for dag in parsed["dags"] for task in dag["tasks"]}
    assert set(pools.values()) == {"default_pool"}
    assert all(task["at_once"] == 1 for dag in parsed["dags"] for task in dag["tasks"])
    # The same tasks as on a laptop.
    assert pools.keys() == {(dag["id"], task["id"]) for dag in parse(ROOT / "dags", tmp_path)["dags"] for task in dag["tasks"]}


def test_the_emr_operator_finds_its_job_again_and_knows_what_is_not_tried_again(tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.amazon", reason="needs the Amazon provider")
    found = result_of(["-m", "tests.dags.emr_operator"], tmp_path)
    assert found["jobs"] == ["SUCCESS", "FAILED"]
    assert found["tries"][0] == found["tries"][1] == "0000000000000001"
    assert found["tries"][2].startswith("AirflowFailException: EMR Serverless job 0000000000000002 is FAILED: ")


def test_a_run_without_a_logical_date_has_all_that_its_tasks_are_asked_with(tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.amazon", reason="needs the Amazon provider")
    run_id = "asset_triggered__2026-11-28T06:53:26.701304+00:00_HPkLi0HE"
    on_aws = in_airflow(_RENDER, ROOT / "dags", tmp_path, **AWS)
    jobs = {step: on_aws[f"train_rul.{step}"]["config"] for step in ("train", "evaluate", "promote")}
    names = [job["TrainingJobName"] for job in jobs.values()]
    assert len(set(names)) == 3
    # CreateTrainingJob, TrainingJobName: this pattern, 63 characters at most.
    assert all(re.fullmatch("[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name) for name in names), names
    assert all(name.endswith("-20261128t065326701304-2") for name in names), names
    asked = jobs["train"]["AlgorithmSpecification"]["ContainerArguments"]
    assert asked == ["train", "--model", "rul", "--run-id", f"train_rul__{run_id}", "--as-of", "latest", "--force", "False"]
    score = on_aws["score_turbofan.score"]["job_driver"]["sparkSubmit"]["entryPointArguments"]
    assert score == ["score", "--contract", "turbofan", "--run-id", f"score_turbofan__{run_id}"]
    here = in_airflow(_RENDER, ROOT / "dags", tmp_path)
    assert list(here["score_turbofan.score"]["env"].values()) == score


def test_a_rebuild_takes_the_day_that_is_asked_for_and_says_when_there_is_none(tmp_path: Path) -> None:
    asked = in_airflow(
        _RENDER.replace("params=dag.params.dump()", "params=dag.params.dump() | {{'day': '2026-03-02'}}"), ROOT / "dags", tmp_path
    )
    assert list(asked["rebuild_pump.rebuild_gold_features"]["env"].values())[-2:] == ["--day", "2026-03-02"]
    of_interval = _RENDER.replace("params=dag.params.dump()", "params=dag.params.dump(), data_interval_start=run.run_after")
    assert list(in_airflow(of_interval, ROOT / "dags", tmp_path)["rebuild_pump.rebuild_gold_features"]["env"].values())[-1] == "2026-11-28"
    assert list(in_airflow(_RENDER, ROOT / "dags", tmp_path)["rebuild_pump.rebuild_gold_features"]["env"].values())[-1] == "none"


def test_what_a_person_decides_travels_as_one_word_each(tmp_path: Path) -> None:
    """A text that looks like an option is none, and an erasure is tried dry where nobody says otherwise."""
    whose = "{{'run': 'r1', 'device': '--run-id', 'why': 'asked by --who', 'verdict': 'refuse'}}"
    asked = in_airflow(_RENDER.replace("params=dag.params.dump()", f"params=dag.params.dump() | {whose}"), ROOT / "dags", tmp_path)
    settle = list(asked["settle_pump.settle"]["env"].values())
    assert settle == ["refuse", "--contract", "pump", "--run-id", "refuse-r1", "--run=r1", "--why=asked by --who", "--who=airflow"]
    erase = list(asked["erase_device.erase"]["env"].values())
    assert erase[5:] == ["--device=--run-id", "--why=asked by --who", "--who=airflow", "--dry-run=yes"]
    options = main.parse(erase)
    assert (options.jobs, options.device, options.why, options.who, options.dry_run) == (
        *("erase", "--run-id", "asked by --who", "airflow"),
        True,
    )
    no = in_airflow(_RENDER.replace("params=dag.params.dump()", "params=dag.params.dump() | {{'dry_run': False}}"), ROOT / "dags", tmp_path)
    assert main.parse(list(no["erase_device.erase"]["env"].values())).dry_run is False


def test_a_wrong_contract_file_is_an_import_error_and_takes_no_other_contracts_dags(tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    shutil.copytree(ROOT / "contracts", folder)
    (folder / "broken.yaml").write_text("contract: broken\nversion: one\n")
    found = parse(ROOT / "dags", tmp_path, FLEETLAKE_CONTRACTS_FOLDER=str(folder))
    assert {dag["id"] for dag in found["dags"]} == DAGS
    (file,) = found["errors"]
    assert Path(file).name == "wrong_contracts.py"
    assert "contract broken.yaml, version: 'one' must be" in found["errors"][file]


def test_a_new_contract_file_gives_its_dags_without_code(tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "lift.yaml").write_text(
        "contract: lift\nversion: 1\ndescription: Lifts.\ncadence_seconds: 60\nfields:\n  load: {type: float64, unit: kg, min: 0, max: 2000}\n"
    )
    parsed = parse(ROOT / "dags", tmp_path, FLEETLAKE_CONTRACTS_FOLDER=str(folder))
    ids = {dag["id"] for dag in parsed["dags"]}
    assert "pipeline_lift" in ids
    # No model is for lifts, so nothing would be scored.
    assert "score_lift" not in ids
