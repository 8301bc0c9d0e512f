"""The registry over a real S3: versions never change, the champion moves by compare-and-swap."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.registry import Card, Registry
from runtime.errors import RetryLater, UserError
from runtime.platforms import Platform
from tests.cloud import running_cloud

pytestmark = pytest.mark.cloud
CARD = Card(
    model="rul",
    version="v1",
    contract="turbofan",
    as_of="2026-03-02T12:00:00+00:00",
    features_snapshot=7,
    features_tag="training_rul_7",
    data_fingerprint="f",
    code_version="c",
    rows=10,
    devices=2,
    params={"num_leaves": 7},
    metrics={"failures": 12.0},
    features=["a_mean_30", "cycle"],
    importance={"cycle": 0.7, "a_mean_30": 0.3},
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home: Path = tmp_path_factory.mktemp("registry")
    with running_cloud(home) as cloud:
        yield cloud.platform


@pytest.fixture
def registry(platform: Platform, request: pytest.FixtureRequest) -> Registry:
    """A model of the test's own with the versions v1 and v2."""
    found = Registry(platform, request.node.name)
    found.save(CARD, b"one", b"folds")
    found.save(dataclasses.replace(CARD, version="v2"), b"two", b"folds")
    return found


def test_a_version_is_kept_as_it_was_first_stored(registry: Registry) -> None:
    registry.save(dataclasses.replace(CARD, rows=99), b"other", b"other")
    assert registry.card("v1") == CARD
    assert list(registry.card("v1").importance) == ["cycle", "a_mean_30"]
    assert (registry.artifact("v1"), registry.out_of_fold("v1")) == (b"one", b"folds")
    assert registry.versions() == ["v1", "v2"]


def test_an_unknown_version_is_refused_with_those_there_are(registry: Registry) -> None:
    with pytest.raises(UserError, match=r"no version v3; there are: v1, v2"):
        registry.card("v3")
    with pytest.raises(UserError, match=r"v3"):
        registry.promote("v3")


def test_the_champion_moves_and_knows_who_was_before(registry: Registry) -> None:
    assert (registry.champion(), registry.previous()) == (None, None)
    assert registry.promote("v1") is None
    assert registry.promote("v2") == "v1"
    assert registry.promote("v2") == "v2"
    assert (registry.champion(), registry.previous()) == ("v2", "v1")


def test_a_promotion_against_another_champion_than_it_was_measured_against_is_refused(registry: Registry) -> None:
    registry.promote("v1")
    with pytest.raises(RetryLater, match="another promotion came first"):
        registry.promote("v2", instead_of=None)
    assert registry.champion() == "v1"


def test_of_two_promotions_at_once_one_is_refused(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.promote("v1")
    seen = registry._pointer()
    registry.promote("v2")
    # The other one had looked before.
    monkeypatch.setattr(registry, "_pointer", lambda: (None, *seen[1:]) if seen else None)
    with pytest.raises(RetryLater):
        registry.promote("v1")
    monkeypatch.undo()
    assert registry.champion() == "v2"


def test_two_first_promotions_at_once_leave_one_champion(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.promote("v1")
    monkeypatch.setattr(registry, "_pointer", lambda: None)
    with pytest.raises(RetryLater):
        registry.promote("v2")


def test_a_run_keeps_the_version_it_made_first(registry: Registry) -> None:
    assert registry.version_of_run("train_rul__manual__2026") is None
    registry.note_run("train_rul__manual__2026", "v1")
    registry.note_run("train_rul__manual__2026", "v2")
    assert registry.version_of_run("train_rul__manual__2026") == "v1"
    assert registry.versions() == ["v1", "v2"]
