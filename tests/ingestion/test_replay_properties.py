"""Replay after a contract was widened is what decode by the wide contract would have made in the first place, whatever was sent."""

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.decode import Decoded
from ingestion.replay import again
from lake.contracts import Contracts
from runtime.settings import Settings
from tests.ingestion.builders import BOILER, contracts_in, decoded, pack, reading

QUICK = settings(max_examples=150, deadline=None)
_CHANGES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "water": st.sampled_from([61.5, 500, -3, 119.99, 700, "x", None, True, 1e300, ...]),
        "starts": st.sampled_from([1, -1, 2**53 + 1, 1.5]),
        "seq": st.sampled_from([0, 7, -1, "x", ...]),
        "boot": st.sampled_from(["b8", "", 5]),
        "ts": st.sampled_from(["2026-09-21T16:01:00Z", 0, "x", 10**15]),
        "zone": st.sampled_from(["a", {"x": [1, "],"]}, "\u2028"]),
    },
)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    return contracts_in(tmp_path_factory.mktemp("narrow"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    return contracts_in(tmp_path_factory.mktemp("wide"), BOILER.replace("version: 1", "version: 2").replace("max: 120", "max: 600"))


def identities(*results: Decoded) -> Counter[tuple[str, str]]:
    """Of the rows: event id, values."""
    return Counter((row.event_id, repr(row.values)) for result in results for row, _ in result.rows)


def assert_replay_is_decode(payload: bytes, narrow: Contracts, wide: Contracts) -> None:
    first, meant = decoded(payload, narrow), decoded(payload, wide)
    replayed = [found.decoded for row in first.quarantined if (found := again(row, wide, Settings()))]
    assert identities(first, *replayed) == identities(meant)
    # Nothing passes a contract that refused it.
    assert [row for row in first.quarantined if again(row, narrow, Settings())] == []


@QUICK
@given(changes=st.lists(_CHANGES, min_size=1, max_size=6), boot=st.sampled_from(["b7", None]))
def test_of_any_pack(narrow: Contracts, wide: Contracts, changes: list[dict[str, Any]], boot: str | None) -> None:
    assert_replay_is_decode(pack(*(reading(count, **changed) for count, changed in enumerate(changes)), boot=boot), narrow, wide)


@QUICK
@given(changed=_CHANGES)
def test_of_any_single_reading(narrow: Contracts, wide: Contracts, changed: dict[str, Any]) -> None:
    assert_replay_is_decode(json.dumps(reading(0, **changed)).encode(), narrow, wide)


@QUICK
@given(seed=st.integers(0, 2**32))
def test_of_any_damaged_pack(narrow: Contracts, wide: Contracts, seed: int) -> None:
    rng = random.Random(seed)
    payload = bytearray(pack(*[reading(count, water=rng.choice([60, 500, 900]), note="a,b") for count in range(4)]))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(payload))
        if rng.random() < 0.5:
            payload[at] = rng.choice(b'{}[]",:\\0')
        else:
            del payload[at : at + rng.randint(1, 8)]
    assert_replay_is_decode(bytes(payload), narrow, wide)
