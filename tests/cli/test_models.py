"""`fleetlake models` as a person or a script sees it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from cli.main import run
from models import train
from models.registry import Registry
from tests.cloud import Cloud, running_cloud
from tests.models.engines import simulated
from tests.models.model_lake import RUL, ModelLake

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Two versions, the second champion; it told engine x 100 cycles at its cycle 1, and x failed at its 91st."""
    home: Path = tmp_path_factory.mktemp("models")
    with running_cloud(home) as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.rul.ROUNDS", (20,))
        lake = ModelLake(running.platform)
        rows, failed, replaced = simulated(8)
        x = rows.head(1).assign(device_id="x")
        lake.publish_features(pd.concat([rows, x]), 1, "f.1")
        lake.publish_events("replacement", replaced, 1, "r.1")
        lake.publish_events("failure", failed, 1, "m.1")
        for minute in (2, 3):
            version = train.step_train(running.platform, RUL, lake.known(minute).isoformat(), True, lake.clock)
            Registry(running.platform, "rul").promote(str(version))
        told = {"device_id": "x", "at": x["at"].iloc[0], "score": 100.0, "lower": 80.0, "upper": 120.0}
        lake.publish_predictions(str(version), [told, told | {"device_id": "y", "score": 12.0, "lower": 5.0, "upper": 20.0}], 4, "s.1")
        after = pd.DataFrame([{"device_id": "x", "event_time": x["at"].iloc[0] + pd.Timedelta(hours=15), "cycle": 91}])
        lake.publish_events("failure", after, 5, "m.2")
        yield running


@pytest.fixture(autouse=True)
def _here(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.settings.environment().items():
        monkeypatch.setenv(name, value)


def versions(cloud: Cloud) -> tuple[str, str]:
    first, second = Registry(cloud.platform, "rul").versions()
    return first, second


def test_the_list_has_each_version_and_marks_the_champion(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(row["model"], row["version"], row["champion"]) for row in listed] == [
        ("rul", versions(cloud)[0], False),
        ("rul", versions(cloud)[1], True),
    ]
    assert run(["models", "list"]) == 0
    assert versions(cloud)[1] in capsys.readouterr().out


def test_show_prints_the_capped_and_the_raw_figure_and_who_fails_next(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", "rul"]) == 0
    # Console lines are wrapped at the terminal's width.
    shown = " ".join(capsys.readouterr().out.split())
    # 90 cycles were left when 100 were predicted.
    assert "last prediction in each of 1 engine lives that ended in a failure afterwards" in shown
    assert "RMSE 10.00 cycles capped at 125, 10.00 raw; 100% inside the 90 % interval" in shown
    assert "y 12 cycles left (5 to 20)" in shown
    assert versions(cloud)[1] in shown


def test_show_of_a_version_as_json(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", "rul", "--version", versions(cloud)[0], "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["card"]["version"] == versions(cloud)[0]
    assert shown["evaluation"]["rmse_capped"] is None


def test_promote_and_rollback_move_the_champion(cloud: Cloud) -> None:
    first, second = versions(cloud)
    registry = Registry(cloud.platform, "rul")
    assert run(["models", "promote", "rul", first]) == 0
    assert registry.champion() == first
    assert run(["models", "rollback", "rul"]) == 0
    assert registry.champion() == second


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["models", "show", "lul"], 1, "model lul: there is none of this name; there are rul"),
        (["models", "show", "rul", "--version", "v9"], 1, "there is no version v9; there are: 2026"),
        (["models", "promote", "rul", "v9"], 1, "there is no version v9"),
        (["models", "promote", "rul"], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == code
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_without_the_cloud_it_says_how_to_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path))
    assert run(["models", "list"]) == 1
    assert "is not running; start it with `fleetlake up`" in capsys.readouterr().err
