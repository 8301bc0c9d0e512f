"""Which devices a query finds."""

import fnmatch
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.devices.device import Device, Draft, State
from services.devices.query_fields import Source
from services.devices.query_parser import parse
from services.devices.search import Subject, matches, sources

DRAFT = Draft(
    "turbofan", {"model": "CFM56", "built": "2019", "serial": "a=b"}, ("hall-3", "east"), {"team": "Engines of Hall 3", "empty": ""}
)
DEVICE = Device("engine-7", "olga", 1, State.ACTIVE, "2026-11-28T12:00:00.000Z", "2026-11-28T12:00:00.000Z", DRAFT)
CLASSIC = {
    "state": {
        "reported": {"rpm": 3000, "fan": True, "note": "Needs oil soon", "ratio": 0.5, "parts": ["blade", {"id": 9}], "big": 10**400},
        "desired": {"rpm": 3500, "fan": False, "deep": {"er": {"est": "x"}}, "nothing": None},
    }
}
FLEET = {"state": {"reported": {"health": "silent", "life": 41}}}
# 2026-11-28T10:00:00Z
SEEN = 1_795_860_000_000
SUBJECT = Subject(DEVICE, {"": CLASSIC, "fleet": FLEET}, SEEN, True)
NEW = Subject(Device("pump-1", "olga", 1, State.ACTIVE, "", ""))


@pytest.mark.parametrize(
    "query",
    [
        "thingName:engine-7",
        "thingName:ENGINE-7",
        "thingName:engine-*",
        "thingName:*-7",
        "thingName:e?gine-?",
        "thingName:*",
        "thingTypeName:turbofan",
        "thingGroupNames:east",
        "thingGroupNames:hall-3 AND thingGroupNames:east",
        "attributes.model:cfm56",
        "attributes.built:2019",
        "attributes.built:[2010 TO 2019]",
        "attributes.built:{2018 TO *]",
        "attributes.built > 999",
        "attributes.model >= CFM",
        "attributes.serial:a=b",
        "tags.team:hall",
        'tags.team:"engines of"',
        'tags.team:"Engines  of Hall 3"',
        "tags.team:eng*",
        'tags.empty:""',
        "tags.empty:*",
        "cfm56",
        "oil",
        "silent",
        "*",
        "shadow.reported.rpm:3000",
        "shadow.reported.rpm:3e3",
        "shadow.reported.rpm:3000.0",
        "shadow.reported.rpm > 2999.5 shadow.reported.rpm < 3001",
        "shadow.reported.rpm:30*",
        "shadow.reported.ratio:[0 TO 1}",
        "shadow.reported.big > 1e300",
        "shadow.desired.fan:false",
        "shadow.reported.fan:TRUE",
        "shadow.reported.note:oil",
        'shadow.reported.note:"needs oil"',
        "shadow.desired.deep.er.est:x",
        "shadow.reported.parts:blade",
        "shadow.name.fleet.reported.health:silent",
        "shadow.name.fleet.reported.life <= 41",
        "lastSeen > 2026-11-28T09:59:59Z",
        "lastSeen:[2026-11-28 TO 2026-11-29]",
        "lastSeen >= 2026-11-28T11:00:00+01:00",
        "lastSeen <= 1795860000000",
        "lastSeen:2026-11-28T10:00:00Z",
        "connectivity.connected:true",
        "NOT connectivity.connected:false",
        "NOT attributes.none:*",
        "attributes.none:x OR thingName:engine-7",
        "thingName:(engine* AND -pump)",
    ],
)
def test_the_device_is_found(query: str) -> None:
    assert matches(parse(query), SUBJECT)


@pytest.mark.parametrize(
    "query",
    [
        "thingName:engine",
        "thingName:engine-77",
        "thingName:?engine-7",
        "thingName:engine-7?",
        "thingTypeName:pump",
        "thingGroupNames:hall",
        "attributes.none:*",
        "attributes.built:{2019 TO 2024]",
        "attributes.built:[2010 TO 2019}",
        "attributes.built:(2018 OR 2020)",
        "attributes.model > 5",
        "attributes.built > abc",
        "tags.team:eng",
        'tags.team:"of engines"',
        "shadow.reported.rpm:30",
        "shadow.reported.rpm > 3000",
        "shadow.reported.fan:1",
        "shadow.reported.fan > 0",
        "shadow.desired.nothing:*",
        "shadow.desired.deep:*",
        "shadow.desired.deep.er.est.more:x",
        "shadow.reported.health:silent",
        "shadow.name.other.reported.health:silent",
        "lastSeen < 2026-11-28T10:00:00Z",
        "lastSeen > 2026-11-28T10:00:00Z",
        "connectivity.connected:false",
        "NOT thingName:engine-7",
        "thingName:engine-7 AND attributes.none:x",
        "nothing-like-this",
    ],
)
def test_the_device_is_not_found(query: str) -> None:
    assert not matches(parse(query), SUBJECT)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lastSeen:*", False),
        ("NOT lastSeen:*", True),
        ("lastSeen < 2100-01-01", False),
        ("shadow.reported.rpm:*", False),
        ("connectivity.connected:false", False),
        ("thingTypeName:*", False),
        ("*", True),
    ],
)
def test_what_is_not_known_of_a_device_satisfies_nothing(query: str, expected: bool) -> None:
    assert matches(parse(query), NEW) is expected


@pytest.mark.parametrize(
    "document", [None, [], "x", 3, {}, {"state": None}, {"state": []}, {"state": {"reported": None}}, {"state": {"reported": 3}}]
)
def test_a_document_of_another_shape_holds_nothing(document: Any) -> None:
    assert not matches(parse("shadow.reported.rpm:*"), Subject(DEVICE, {"": document}))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("thingName:a tags.b:c", {Source.REGISTRY}),
        ("oil", {Source.SHADOWS}),
        ("thingName:a OR NOT (lastSeen:* AND connectivity.connected:true)", {Source.REGISTRY, Source.LAST_SEEN, Source.CONNECTIVITY}),
        ("shadow.name.fleet.reported.life > 3", {Source.SHADOWS}),
    ],
)
def test_only_what_a_query_asks_for_is_looked_up(query: str, expected: set[Source]) -> None:
    assert sources(parse(query)) == expected


WORDS = st.text(alphabet="ab-", min_size=1, max_size=12)


@given(st.text(alphabet="ab?*", min_size=1, max_size=8), WORDS)
def test_wildcards_match_as_in_a_shell(pattern: str, word: str) -> None:
    subject = Subject(Device(word, "olga", 1, State.ACTIVE, "", ""))
    assert matches(parse(f"thingName:{pattern}"), subject) == fnmatch.fnmatchcase(word, pattern)


CLAUSES = st.sampled_from(["thingName:engine-7", "thingName:pump-1", "attributes.model:*", "lastSeen:*", "oil"])


@given(CLAUSES, CLAUSES, st.sampled_from([SUBJECT, NEW]))
def test_and_or_and_not_are_those_of_logic(a: str, b: str, subject: Subject) -> None:
    is_a, is_b = matches(parse(a), subject), matches(parse(b), subject)
    assert matches(parse(f"{a} AND {b}"), subject) == matches(parse(f"{a} {b}"), subject) == (is_a and is_b)
    assert matches(parse(f"{a} OR {b}"), subject) == (is_a or is_b)
    assert matches(parse(f"NOT ({a} OR {b})"), subject) == matches(parse(f"-{a} AND NOT {b}"), subject) == (not is_a and not is_b)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-50, 50))
def test_ranges_and_comparisons_agree(value: int, low: int, high: int) -> None:
    subject = Subject(DEVICE, {"": {"state": {"reported": {"n": value}}}})
    name = "shadow.reported.n"
    assert matches(parse(f"{name}:[{low} TO {high}}}"), subject) == (low <= value < high)
    assert matches(parse(f"{name} > {low} {name} <= {high}"), subject) == (low < value <= high)


def test_many_wildcards_take_no_time() -> None:
    subject = Subject(DEVICE, {"": {"state": {"reported": {"note": "a" * 8000}}}})
    begun = time.process_time()
    assert not matches(parse("shadow.reported.note:" + "a*" * 400 + "b"), subject)
    assert time.process_time() - begun < 5
