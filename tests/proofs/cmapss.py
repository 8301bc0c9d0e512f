"""Real engines: NASA C-MAPSS FD001 replayed as devices, a model trained by Airflow, and its error on engines it never saw."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake import query
from local.airflow_client import Airflow
from local.replay import Replay, replay
from runtime.settings import REPOSITORY
from tests.cloud import Cloud, running_cloud
from tests.proofs import Size
from tests.proofs._journey import drained, next_run, run_dags, say, the_law
from tests.real_data import real_data

WHAT = "C-MAPSS FD001 over MQTT, trained and scored by Airflow: RMSE over each test engine's last prediction <= 12.5, capped at 125."
CODE = ("runtime", "ingestion", "lake", "spark_jobs", "models", "dags", "local/replay.py", "local/recorded.py", "contracts")
SEED = 0
CONTRACTS = ("turbofan", "maintenance")
ENGINES = {Size.SMALL: 12, Size.FULL: 100}


def prove(size: Size, running: Cloud | None = None) -> dict[str, Any]:
    """In a cloud of its own, or in one that is `running` and has the contracts."""
    data = real_data("cmapss")
    with tempfile.TemporaryDirectory(prefix="fleetlake-cmapss-") as folder:
        files = _first_engines(data, Path(folder), ENGINES[size])
        own = running_cloud(Path(folder) / "home", ("emulator", "worker", "airflow"), schedules=False)
        with nullcontext(running) if running else own as cloud:
            return _prove(cloud, files, size)


def _prove(cloud: Cloud, files: dict[str, Path], size: Size) -> dict[str, Any]:
    # All recordings end together, and so long ago that the last of the failures to come is not in the future: 145 cycles.
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=26)
    sent = _train(cloud, files, end)
    airflow = Airflow.of(cloud.settings)
    say("the test engines are replayed and scored")
    sent += _replay(cloud, Replay(files["test"], prefix="test-", end=end))
    before = airflow.run_ids("score_turbofan")
    run_dags(cloud, ["pipeline_turbofan"])
    next_run(cloud, "score_turbofan", before)
    say("only now their failures are sent")
    _replay(cloud, Replay(files["test"], prefix="test-", end=end, remaining=files["remaining"], readings=False))
    run_dags(cloud, ["pipeline_maintenance"])

    shown = _show(cloud)["evaluation"]
    verdict = the_law(cloud)
    rows, different = _silver(cloud)
    assert rows == different == sent, f"{sent} readings were sent, silver shows {rows} with {different} identities"
    assert shown["engines"] == ENGINES[size], f"{ENGINES[size]} engines were to be judged, shown is {shown}"
    own = _by_hand(cloud, files)
    # The figure of `models show` is what a plain join of predictions and the published remaining cycles gives.
    assert abs(own["rmse_capped"] - shown["rmse_capped"]) < 1e-6
    assert abs(own["rmse_raw"] - shown["rmse_raw"]) < 1e-6
    if size is Size.FULL:
        assert shown["rmse_capped"] <= 12.5
    return {"readings_sent": sent, "silver_rows": rows, "law_sent": verdict.sent, **shown}


def _train(cloud: Cloud, files: dict[str, Path], end: datetime) -> int:
    """Replay the training engines with their failures, and let Airflow train on them; how many readings were sent."""
    say("the training engines are replayed")
    sent = _replay(cloud, Replay(files["train"], prefix="train-", end=end, failures=True))
    run_dags(cloud, ["pipeline_turbofan", "pipeline_maintenance"])
    say("features and failures are there: their assets have Airflow train")
    next_run(cloud, "train_rul", [])
    rows, different = _silver(cloud)
    assert rows == different == sent
    return sent


def _replay(cloud: Cloud, asked: Replay) -> int:
    """Readings of turbofan acknowledged, when the worker has taken all in."""
    found = replay(cloud.platform, asked)
    assert found.refused == 0
    assert found.acknowledged == found.readings
    drained(cloud)
    if not asked.readings:
        return 0
    return int(pq.read_metadata(asked.file).num_rows)


def _silver(cloud: Cloud) -> tuple[int, int]:
    counted = query.sql("SELECT count(*), count(DISTINCT event_id) FROM silver.turbofan", platform=cloud.platform).rows[0]
    return int(counted[0]), int(counted[1])


def _show(cloud: Cloud) -> dict[str, Any]:
    """What `fleetlake models show rul` says, and its own words for a person."""
    command = [sys.executable, "-m", "cli.main", "models", "show", "rul"]
    environment = dict(os.environ) | cloud.settings.environment()
    for_a_person = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True).stdout
    say(for_a_person)
    assert "RMSE" in for_a_person
    done = subprocess.run([*command, "--json"], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def _by_hand(cloud: Cloud, files: dict[str, Path]) -> dict[str, float]:
    """The errors from the published remaining cycles, without the project's own evaluation."""
    text = "SELECT p.device_id, arg_max(p.score, p.at) AS score FROM gold.predictions p WHERE device_id LIKE 'test-%' GROUP BY 1"
    score = dict(query.sql(text, platform=cloud.platform).rows)
    true = np.loadtxt(files["remaining"], ndmin=1)
    # Device ids keep the units' order.
    predicted = np.array([score[device] for device in sorted(score)])
    assert len(predicted) == len(true)
    capped = np.sqrt(np.mean((predicted - np.minimum(true, 125)) ** 2))
    return {"rmse_capped": float(capped), "rmse_raw": float(np.sqrt(np.mean((predicted - true) ** 2)))}


def _first_engines(data: Path, folder: Path, engines: int) -> dict[str, Path]:
    """Files of the first so many engines of each set, unchanged otherwise."""
    files = {}
    for name in ("train", "test"):
        table = pq.read_table(data / f"{name}_FD001.parquet")
        files[name] = folder / f"{name}_FD001.parquet"
        pq.write_table(table.filter(pc.field("unit") <= engines), files[name])
    files["remaining"] = folder / "RUL_FD001.txt"
    files["remaining"].write_text("\n".join((data / "RUL_FD001.txt").read_text().split()[:engines]) + "\n")
    return files
