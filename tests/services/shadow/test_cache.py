"""The cache equals the truth after any interleaving of what is told, and the history has every version."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from fleet.shadow_feed import Change
from runtime.settings import Settings
from services.shadow.cache import ShadowCache
from tests.services.tables import create_tables


@dataclass
class _Platform:
    settings: Settings = field(default_factory=Settings)

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def cache() -> Iterator[ShadowCache]:
    with mock_aws():
        platform = _Platform()
        create_tables(platform.client("dynamodb"), platform.settings)
        yield ShadowCache(platform)  # type: ignore[arg-type] # the two members that it asks for


def _told(version: int, *, thing: str = "engine-7", deleted: bool = False) -> Change:
    return Change(
        thing=thing,
        name="",
        version=version,
        timestamp=1_000 + version,
        state=None if deleted else {"desired": {"n": version}},
        metadata=None if deleted else {},
        received_at=1_790_000_000_000 + version,
    )


# A shadow that is made, changed, deleted at 3, made again, and deleted at 5: each told twice.
_LIFE = [_told(1), _told(2), _told(3), _told(3, deleted=True), _told(4), _told(5), _told(5, deleted=True)]


@pytest.mark.parametrize("length", [4, 6, 7])
def test_whatever_the_order_the_cache_is_what_the_shadow_is(cache: ShadowCache, length: int) -> None:
    life = _LIFE[:length]
    orders = (
        list(itertools.permutations(life)) if length == 4 else [life[::-1], life[1:] + life[:1], life[3:] + life[:3], life + life[::-1]]
    )
    for number, order in enumerate(orders):
        for change in order:
            cache.take(_of(f"thing-{number}", change))
        found = cache.get(f"thing-{number}", "")
        assert found is not None
        last = life[-1]
        assert (found.version, found.document is None) == (last.version, last.state is None), order


def _of(thing: str, change: Change) -> Change:
    return _told(change.version, thing=thing, deleted=change.state is None)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(range(len(_LIFE))), min_size=1, max_size=12), st.integers(0, 10**9))
def test_it_never_moves_backwards(cache: ShadowCache, told: list[int], number: int) -> None:
    thing, newest = f"thing-{number}", (0, False)
    for index in told:
        change = _LIFE[index]
        newest = max(newest, (change.version, change.state is None))
        cache.take(_of(thing, change))
        found = cache.get(thing, "")
        assert found is not None
        # The shadow of an earlier example may be further already.
        assert (found.version, found.document is None) >= newest


def test_what_is_told_twice_is_no_news(cache: ShadowCache) -> None:
    assert [cache.take(change) for change in (_told(1), _told(1), _told(2), _told(1))] == [True, False, True, False]
    assert [cache.take(_told(2, deleted=True)), cache.take(_told(2, deleted=True)), cache.take(_told(2))] == [True, False, False]


def test_the_history_has_each_version_with_who_and_when_in_whatever_order_they_are_told(cache: ShadowCache) -> None:
    cache.note_author("engine-7", "", 2, "user-1")
    for change in (_told(2), _told(1), _told(2, deleted=True)):
        cache.take(change)
    cache.note_author("engine-7", "", 2, "user-2", deleted=True)
    newest, oldest = cache.history("engine-7", "", before=None, limit=10)
    assert (newest.version, newest.by, newest.deleted_by) == (2, "user-1", "user-2")
    assert newest.document == {"state": {"desired": {"n": 2}}, "metadata": {}}
    assert newest.deleted_at is not None
    assert (oldest.version, oldest.by, oldest.deleted_at) == (1, "", None)
    assert oldest.at is not None
    assert oldest.at.isoformat() == "2026-09-21T14:13:20.001000+00:00"


def test_a_page_of_history_goes_on_below_the_last(cache: ShadowCache) -> None:
    for version in range(1, 6):
        cache.take(_told(version))
    assert [found.version for found in cache.history("engine-7", "", before=4, limit=2)] == [3, 2]


def test_shadows_of_a_thing_are_apart(cache: ShadowCache) -> None:
    cache.take(_told(3))
    assert cache.get("engine-7", "config") is None
    assert cache.version("engine-7", "config", 3) is None
