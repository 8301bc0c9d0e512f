"""All that is written down, by reason; and each of it among good neighbours, with what must become of all."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tests.hostile import bad_keys, bad_numbers, bad_packs, bad_sizes, bad_syntax, bad_text, bad_times, bad_types, bad_values
from tests.hostile.cases import MAX_BYTES, MAX_READINGS, NOON_MS, Hostile, Payload, Refusal, Sound, Whole
from tests.hostile.odd_packs import PARTLY, TAKEN
from tests.hostile.odd_readings import ODD

READINGS: tuple[Hostile, ...] = (
    *bad_text.NOT_UTF8,
    *bad_text.LONE_SURROGATE,
    *bad_syntax.NOT_JSON,
    *bad_keys.DUPLICATE_KEY,
    *bad_keys.UNKNOWN_FIELD,
    *bad_sizes.TOO_DEEP,
    *bad_numbers.NUMBER_OUT_OF_RANGE,
    *bad_numbers.NOT_FINITE,
    *bad_types.WRONG_TYPE,
    *bad_values.MISSING,
    *bad_values.OUT_OF_RANGE,
    *bad_times.BAD_TIME,
    *bad_times.FUTURE_TIME,
    *bad_packs.DEVICE_MISMATCH,
)
MESSAGES: tuple[Whole, ...] = tuple(
    whole for module in (bad_text, bad_syntax, bad_keys, bad_sizes, bad_numbers, bad_types, bad_packs) for whole in module.WHOLES
)
SOUND: tuple[Sound, ...] = tuple(ODD)
# Each a reading's bytes that are one piece of a pack.
ITEMS: tuple[Hostile | Sound, ...] = (*READINGS, *SOUND)
BY_HAND: tuple[Payload, ...] = (*TAKEN, *PARTLY)


@dataclass(frozen=True)
class Surrounding:
    """The pack around its readings: bytes before, between and after, and the boot that its head says."""

    begin: bytes
    end: bytes
    between: bytes = b", "
    boot: str | None = "b7"


PLAIN = Surrounding(b'{"boot": "b7", "readings": [', b"]}")
SURROUNDINGS = (
    PLAIN,
    Surrounding(b'{"boot":"b7","readings":[', b"]}", b","),
    Surrounding(b'{"readings": [', b"]}", boot=None),
    Surrounding(b'{"readings": [\n  ', b'\n], "boot": "b7"}', b",\n  "),
    Surrounding(b'{"device_id": "b-1", "boot": "b7", "readings": [', b"]}"),
    Surrounding(b'{"boot": null, "readings": [', b"]}", b" , ", None),
    Surrounding(b'{"zone": {"a": ["},{"]}, "boot": "b\\u0037", "readings": [', b'], "more": [{"x": "]"}, {"y": 1}]}', b",\t"),
    Surrounding(b'\r\n{ "boot" : "b7" , "readings" : [ ', b" ] } \n", b" ,\r\n"),
    Surrounding('{"boot": "é😀", "readings": ['.encode(), b"]}", boot="é😀"),
    Surrounding(b'{"x": {"readings": []}, "boot": "b7", "readings": [', b"]}"),
)


@lru_cache(maxsize=2_000)
def neighbour(contract: str, number: int) -> Sound:
    """A good reading, each with a time and a count of its own."""
    ts, seq = NOON_MS + 1_000 * number, 1_000 + number
    if contract == "vault":
        values = {"doors": number % 10, "shut": number % 2 == 0, "label": f"v{number}", "grams": number + 0.25}
    else:
        values = {"water": 20 + number / 8, "starts": number, "burning": number % 2 == 0, "mode": "eco"}
    document = {"ts": ts, "seq": seq} | values
    return Sound(json.dumps(document).encode(), document, values, ts, seq, contract=contract)


def packed(items: Sequence[Hostile | Sound], contract: str, around: Surrounding = PLAIN, label: str = "") -> Payload:
    """A pack of these, and what must become of each."""
    content = around.begin + around.between.join(item.content for item in items) + around.end
    if len(content) > MAX_BYTES or len(items) > MAX_READINGS:
        return Payload(content, contract, (), (Refusal("too_large", content),), label)
    rows = tuple(item.row(around.boot) for item in items if isinstance(item, Sound))
    refused = tuple(Refusal(item.reason, item.content.strip(), place) for place, item in enumerate(items) if isinstance(item, Hostile))
    return Payload(content, contract, rows, refused, label)


def alone(item: Hostile | Sound) -> Payload:
    """A message that is nothing but this reading."""
    if isinstance(item, Sound):
        return Payload(item.content, item.contract, (item.row(None),), (), "alone")
    return Payload(item.content, item.contract, (), (Refusal(item.alone or item.reason, item.content),), "alone")


def whole(case: Whole) -> Payload:
    return Payload(case.payload, case.contract, (), (Refusal(case.reason, case.payload),), "whole")


def among(item: Hostile | Sound, size: int, place: int, around: Surrounding = PLAIN) -> Payload:
    """The reading at a place of a pack whose others are good."""
    items: list[Hostile | Sound] = [neighbour(item.contract, number) for number in range(size)]
    items[place] = item
    return packed(items, item.contract, around, f"place {place} of {size}")


def places(size: int) -> tuple[int, ...]:
    """The first, the middle and the last of a pack."""
    return tuple(sorted({0, size // 2, size - 1}))


def once() -> Iterator[Payload]:
    """Every payload once by itself, and every reading once in a pack, whose size, place and head change from one to the next."""
    yield from (whole(case) for case in MESSAGES)
    yield from (replace(payload, label="by hand") for payload in BY_HAND)
    for number, item in enumerate(ITEMS):
        yield alone(item)
        size = 250 if number % 50 == 0 else (2, 25, 7)[number % 3]
        yield among(item, size, places(size)[number // 3 % len(places(size))], SURROUNDINGS[number % len(SURROUNDINGS)])


def everywhere() -> Iterator[Payload]:
    """Every reading at the first, middle and last place of packs of 2, 25 and 250."""
    for item in ITEMS:
        for size in (2, 25, 250):
            yield from (among(item, size, place) for place in places(size))
