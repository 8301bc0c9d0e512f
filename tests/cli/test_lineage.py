"""`fleetlake lineage prediction ID`: a tree for a person, JSON for a script."""

import json

import pytest

from cli import lineage as command
from lake.lineage import Features, Lineage, Message, PredictionKey, Reading, Run
from tests.lake.small_lake import moment

KEY = PredictionKey("boiler", "rul", "v1", "b-1", moment(2))
MESSAGE = Message("bronze/boiler/x.parquet", 4, "dt/fleetlake/b-1/boiler", "cert", "b\x1b-1", "t-1", moment(3), "x", 2)
FOUND = Lineage(
    KEY,
    41.5,
    "soon",
    Run("p.1", moment(40)),
    None,
    Features(7, False, (Run("f.1", None),), ("e1",)),
    (Reading("e1", moment(2), Run("s.1", moment(10)), "rebuild.1", (MESSAGE,)), Reading("e1", moment(2), Run("s.2", None), None, ())),
)


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lake.lineage.of_prediction", lambda _platform, key: FOUND if key == str(KEY) else None)


def test_every_step_is_a_line_below_the_one_that_it_led_to(capsys: pytest.CaptureFixture[str]) -> None:
    command.prediction(str(KEY), as_json=False)
    text = " ".join(capsys.readouterr().out.replace("│", " ").replace("├──", "").replace("└──", "").split())
    steps = [
        "prediction boiler/rul/v1/b-1/2026-03-01T12:02:00+00:00: 41.5 (soon), by run p.1, known since 2026-03-01 12:40:00Z",
        "no training run of it is noted",
        "features.boiler at snapshot 7, which was expired: as they are now, by run f.1, not noted as visible",
        "by run s.1, known since 2026-03-01 12:10:00Z, replaced by rebuild.1",
        "bronze/boiler/x.parquet, row 4",
        "client b\\x1b-1, certificate cert, trace t-1",
        "its bronze object is gone or cannot be read",
    ]
    places = [text.find(step) for step in steps]
    assert places == sorted(places)
    assert places[0] == 0


def test_a_script_gets_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    command.prediction(str(KEY), as_json=True)
    assert json.loads(capsys.readouterr().out)["readings"][0]["messages"][0]["row"] == 4
