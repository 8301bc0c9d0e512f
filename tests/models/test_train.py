"""Training from a named moment, judging, promoting: over a lake without Spark."""

import json
from pathlib import Path
from typing import Any

import pytest

from lake.catalog import open_catalog
from lake.query import sql
from models import train
from models.challenge import compare
from models.data import training_set
from models.registry import Registry
from runtime.errors import QueryError, UserError
from tests.models.engines import simulated
from tests.models.model_lake import RUL, ModelLake

pytestmark = pytest.mark.long

LATER = "2026-03-02T12:10:00+00:00"


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about versions, not about how near they come."""
    monkeypatch.setattr("models.rul.ROUNDS", (20, 60))


@pytest.fixture
def lake(tmp_path: Path) -> ModelLake:
    return ModelLake(tmp_path / "home")


@pytest.fixture
def taught(lake: ModelLake) -> ModelLake:
    """Eight devices' engines and their failures, known at minute 5."""
    teach(lake, 8, 1, 5)
    return lake


def teach(lake: ModelLake, engines: int, seed: int, minute: float, fleet: str = "engine-") -> None:
    rows, failed, replaced = simulated(engines, seed=seed, fleet=fleet)
    lake.publish_features(rows, minute, f"features-{seed}.1")
    lake.publish_events("failure", failed, minute, f"failures-{seed}.1")
    lake.publish_events("replacement", replaced, minute, f"replacements-{seed}.1")


def step(lake: ModelLake, as_of: str = LATER, run_id: str = "", force: bool = False) -> str | None:
    return train.step_train(lake.platform, RUL, as_of, force, lake.clock, run_id)


def notes(lake: ModelLake, kind: str) -> list[tuple[Any, ...]]:
    return sql(
        "SELECT version, state, metrics FROM ops.model_runs WHERE kind = ? ORDER BY recorded_at", platform=lake.platform, parameters=[kind]
    ).rows


def test_the_card_says_what_the_version_was_made_from(taught: ModelLake) -> None:
    version = step(taught)
    assert version is not None
    card = Registry(taught.platform, "rul").card(version)
    table = open_catalog(taught.platform).load_table("features.turbofan")
    assert card.features_snapshot == table.current_snapshot().snapshot_id
    assert table.metadata.refs[card.features_tag].snapshot_id == card.features_snapshot
    assert card.as_of == LATER
    assert card.rows == len(simulated(8)[0])
    assert card.devices == 8
    assert card.metrics["lives"] == len(simulated(8)[1])
    assert len(card.data_fingerprint) == 64
    assert [(row[0], row[1]) for row in notes(taught, "train")] == [(version, "trained")]


def test_the_same_moment_gives_the_same_model_after_newer_data_and_after_expiry(taught: ModelLake, tmp_path: Path) -> None:
    first = step(taught)
    registry = Registry(taught.platform, "rul")
    artifact, card = registry.artifact(str(first)), registry.card(str(first))
    teach(taught, 2, 2, 20, fleet="new-")
    teach(taught, 1, 3, 30, fleet="newest-")
    taught.expire_all_but_the_newest(taught.features)
    assert training_set(taught.platform, RUL, taught.known(10)).fingerprint == card.data_fingerprint
    # Into an empty registry: what is stored already would not be put again.
    objects = Path(taught.platform.object_uri("").removeprefix("file://"))
    objects.rename(tmp_path / "elsewhere")
    assert step(taught) == first
    assert registry.artifact(str(first)) == artifact


def test_without_its_tag_an_expired_moment_is_refused_and_not_answered_by_another(taught: ModelLake) -> None:
    teach(taught, 1, 2, 20, fleet="new-")
    teach(taught, 1, 3, 30, fleet="newest-")
    taught.expire_all_but_the_newest(taught.features)
    with pytest.raises(QueryError, match="expired"):
        training_set(taught.platform, RUL, taught.known(10))


def test_what_became_known_after_the_moment_is_not_learnt(lake: ModelLake) -> None:
    rows, failed, replaced = simulated(8)
    lake.publish_features(rows, 1, "f.1")
    lake.publish_events("replacement", replaced, 2, "r.1")
    lake.publish_events("failure", failed.head(11), 3, "m.1")
    lake.publish_events("failure", failed.iloc[11:], 20, "m.2")
    version = step(lake)
    assert Registry(lake.platform, "rul").card(str(version)).metrics["failures"] == 11


def test_nothing_known_by_then_is_one_sentence(lake: ModelLake) -> None:
    with pytest.raises(UserError, match=r"features\.turbofan had nothing by then"):
        step(lake)


def test_too_few_failures_make_no_version(lake: ModelLake) -> None:
    rows, failed, _ = simulated(3)
    lake.publish_features(rows, 1, "f.1")
    assert step(lake) is None
    lake.publish_events("failure", failed.head(3), 2, "m.1")
    assert step(lake, force=True) is None
    assert Registry(lake.platform, "rul").versions() == []


def test_without_enough_new_failures_the_newest_version_is_enough_unless_forced(taught: ModelLake) -> None:
    first = step(taught)
    teach(taught, 2, 2, 20, fleet="new-")
    later = taught.known(25).isoformat()
    assert step(taught, later) is None
    assert step(taught, later, force=True) not in (None, first)


def test_a_run_that_is_cleared_keeps_its_version_though_latest_has_moved_on(taught: ModelLake) -> None:
    first = step(taught, "latest", run_id="train_rul__weekly")
    teach(taught, 6, 2, 20, fleet="new-")
    assert step(taught, "latest", run_id="train_rul__weekly", force=True) == first
    assert len(notes(taught, "train")) == 1


def test_the_first_version_is_promoted_and_a_repeated_step_changes_nothing(taught: ModelLake) -> None:
    version = step(taught, run_id="run-1")
    for _ in range(2):
        train.step_evaluate(taught.platform, RUL, taught.clock, "run-1")
        assert train.step_promote(taught.platform, RUL, taught.clock, "run-1") == version
    assert Registry(taught.platform, "rul").champion() == version
    assert [row[:2] for row in notes(taught, "promote")] == [(version, "promoted")]


def test_a_run_that_made_no_version_challenges_nobody(taught: ModelLake) -> None:
    step(taught, run_id="run-1")
    assert train.step_promote(taught.platform, RUL, taught.clock, "run-2") is None
    assert Registry(taught.platform, "rul").champion() is None


def test_a_challenger_that_learnt_from_more_engines_is_judged_on_those_neither_had_learnt_from(lake: ModelLake) -> None:
    rows, failed, replaced = simulated(12)
    lake.publish_features(rows, 1, "f.1")
    lake.publish_events("replacement", replaced, 1, "r.1")
    is_first = failed["device_id"] <= "engine-08"
    lake.publish_events("failure", failed[is_first], 2, "m.1")
    lake.publish_events("failure", failed[~is_first], 20, "m.2")
    old = step(lake)
    new = step(lake, lake.known(25).isoformat(), force=True)
    registry = Registry(lake.platform, "rul")
    found = compare(lake.platform, RUL, registry.card(str(old)), registry.card(str(new)))
    assert found is not None
    assert (found.engines, found.unseen) == (len(failed), int((~is_first).sum()))
    assert found.is_won == (found.challenger_rmse <= 1.02 * found.champion_rmse)


def test_a_worse_challenger_is_kept_back(taught: ModelLake, monkeypatch: pytest.MonkeyPatch) -> None:
    champion = step(taught, run_id="run-1")
    train.step_promote(taught.platform, RUL, taught.clock, "run-1")
    # Trees that may not grow: hardly better than the mean of all labels.
    monkeypatch.setattr("models.rul.ROUNDS", (1,))
    monkeypatch.setattr(train, "code_version", lambda: "worse")
    taught.clock.advance(minutes=1)
    worse = step(taught, run_id="run-2", force=True)
    assert worse != champion
    compared = train.step_evaluate(taught.platform, RUL, taught.clock, "run-2")
    assert compared is not None
    assert compared.challenger_rmse > 2 * compared.champion_rmse
    assert train.step_promote(taught.platform, RUL, taught.clock, "run-2") == champion
    assert Registry(taught.platform, "rul").champion() == champion
    assert [row[:2] for row in notes(taught, "promote")] == [(champion, "promoted"), (worse, "kept back")]
    assert json.loads(notes(taught, "promote")[1][2])["against"] == champion


def test_the_command_says_what_is_wrong_in_one_line(
    lake: ModelLake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in lake.platform.settings.environment().items():
        monkeypatch.setenv(name, value)
    assert train.main(["train", "--model", "lul"]) == 4
    assert train.main(["train", "--model", "rul", "--as-of", "soon"]) == 1
    said = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert said[0] == "train lul: model lul: there is none of this name; there are rul"
    assert "this is no ISO 8601 time" in said[1]
