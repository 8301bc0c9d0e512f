"""Payloads by chance: damaged packs, spliced ones, JSON of any shape, and the corpus in any surrounding. By the same seed the same."""

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.hostile.cases import LATEST_MS, MAX_BYTES, NOON_MS, Hostile, Payload, Sound
from tests.hostile.corpus import BY_HAND, ITEMS, MESSAGES, SURROUNDINGS, Surrounding, alone, neighbour, packed
from tests.hostile.walk import is_one_piece

_CONTRACTS = ("kiln", "kiln", "kiln", "vault")
_SHORT = 400
_OF = {name: [item for item in ITEMS if item.contract == name] for name in ("kiln", "vault")}
_SHORT_OF = {name: [item for item in items if len(item.content) <= _SHORT] for name, items in _OF.items()}
_SOUND_OF = {name: [item for item in items if isinstance(item, Sound)] for name, items in _SHORT_OF.items()}
_SHORT_MESSAGES = [case.payload for case in MESSAGES if len(case.payload) <= 2_000] + [
    payload.content for payload in BY_HAND if len(payload.content) <= 2_000
]

_BYTES = b"{}[]\",:\\0123456789.eE+-tfn \n\t\r\x00\x1f\x7f\x80\xc3\xed\xff/*#'`;"
_WORDS = [
    b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"false", b"1e999", b"-1e400", b"1E-400", b"-0", b"-0.0", b"0", b"01", b"1.", b".5", b"+1", b"9223372036854775808", b"9007199254740993",
    b"1e15", b"1e22", b"5e-324", b"1e-6", b"31.0", b"120.00000000000001", b'"61.5"', b'""', b"{}", b"[]", b"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", b'"\\ud800"', b'"\\u0041"', b'"\\ud83d\\ude00"',
    b'"},{"', b'"readings"', b'"readings":[', b'"boot":"x",', b'"device_id":"b-2",', b'"device_id":"b-1",', b'"water":1,', b'"ts":0,', b',"seq":8', b'"w\\u0061ter":1,', b"},{", b"]}", b"[{",
    b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"/**/", b"//", b"'a'", b"\x0b", b"\x0c", b"\xc2\xa0", b'"note":"a,b"', b'"zone":{"a":[1]},', b"1790010960001", b"1790010960000",
    b'"2026-09-21T16:01:00Z"', b'"2026-09-21T16:01:00+02:75"', b'"eco"', b"1_000", b"0x10", b"1790006460000.5",
]  # fmt: skip
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def in_any_surrounding(rng: random.Random) -> Payload:
    """Written readings, good and bad, some of them together, in a pack or alone: what must become of each is written too."""
    contract = rng.choice(_CONTRACTS)
    if rng.random() < 0.15:
        return alone(rng.choice(_OF[contract]))
    size = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8, 12, 25)) if rng.random() < 0.995 else 250
    items: list[Hostile | Sound] = [neighbour(contract, number) for number in range(size)]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        items[rng.randrange(size)] = rng.choice(_OF[contract])
    if size == 1 and not items[0].content.strip():
        # Nothing between the brackets is an empty list.
        items.append(neighbour(contract, 1))
    return packed(items, contract, rng.choice(SURROUNDINGS), "in any surrounding")


def within_one_reading(rng: random.Random) -> Payload:
    """One reading damaged; while it stays one piece, no neighbour may be lost."""
    contract, size, around = rng.choice(_CONTRACTS), rng.choice((2, 3, 3, 4, 6, 9, 25)), rng.choice(SURROUNDINGS)
    items = [neighbour(contract, number) if rng.random() < 0.8 else rng.choice(_SOUND_OF[contract]) for number in range(size)]
    place = rng.randrange(size)
    damaged = _damaged(rng, items[place].content)
    others = tuple(item.row(around.boot) for number, item in enumerate(items) if number != place)
    contents = [item.content if number != place else damaged for number, item in enumerate(items)]
    return Payload(_wrapped(contents, around), contract, others if is_one_piece(damaged) else (), (), "damage within one reading")


def anywhere(rng: random.Random) -> Payload:
    contract = rng.choice(_CONTRACTS)
    return Payload(_damaged(rng, _pack(rng, contract)), contract, (), (), "damage anywhere")


def of_tokens(rng: random.Random) -> Payload:
    """Tokens swapped, doubled, dropped, and others in their place."""
    contract = rng.choice(_CONTRACTS)
    tokens = _TOKEN.findall(_pack(rng, contract))
    for _ in range(rng.randint(1, 3)):
        a, b = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        change = rng.randrange(4)
        if change == 0:
            tokens[a], tokens[b] = tokens[b], tokens[a]
        elif change == 1:
            tokens.insert(a, tokens[b])
        elif change == 2 and len(tokens) > 1:
            del tokens[a]
        else:
            tokens[a] = rng.choice(_WORDS)
    return Payload(rng.choice((b"", b" ")).join(tokens), contract, (), (), "tokens changed")


def spliced(rng: random.Random) -> Payload:
    """The beginning of one payload and the end of another."""
    contract = rng.choice(_CONTRACTS)
    first, second = _any(rng, contract), _any(rng, contract)
    return Payload(first[: rng.randint(0, len(first))] + second[rng.randint(0, len(second)) :], contract, (), (), "two spliced")


def of_the_corpus(rng: random.Random) -> Payload:
    """A written payload, damaged further."""
    contract = rng.choice(_CONTRACTS)
    return Payload(_damaged(rng, _any(rng, contract)), contract, (), (), "written and damaged")


def of_structure(rng: random.Random) -> Payload:
    """JSON that is sound, of a shape that is not, or only just."""
    contract = rng.choice(_CONTRACTS)
    readings = [_changed(rng, json.loads(neighbour(contract, number).content)) for number in range(rng.randint(1, 6))]
    head: dict[str, Any] = {"boot": "b7"} if rng.random() < 0.8 else {}
    if rng.random() < 0.2:
        head[rng.choice(("boot", "device_id", "zone", "ts", ""))] = _value(rng)
    document: Any = head | {"readings": readings} if rng.random() < 0.8 else readings[0]
    if rng.random() < 0.05:
        document = _changed(rng, document)
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, None, 1)), sort_keys=rng.random() < 0.2)
    return Payload(text.encode(errors="surrogatepass"), contract, (), (), "another structure")


def of_chance(rng: random.Random) -> Payload:
    """Bytes and words of JSON without a plan."""
    parts = [rng.choice(_WORDS) if rng.random() < 0.5 else bytes([rng.choice(_BYTES)]) for _ in range(rng.randint(0, 30))]
    content = b"".join(parts) if rng.random() < 0.7 else rng.randbytes(rng.randint(0, 200))
    return Payload(content, rng.choice(_CONTRACTS), (), (), "bytes by chance")


# What was made by chance, and how often each kind of it comes.
_KINDS: list[tuple[Callable[[random.Random], Payload], int]] = [
    (within_one_reading, 30), (anywhere, 15), (of_tokens, 15), (spliced, 10), (of_the_corpus, 12), (of_structure, 15), (of_chance, 3),
]  # fmt: skip


def by_chance(rng: random.Random) -> Iterator[Payload]:
    kinds, weights = [kind for kind, _ in _KINDS], [weight for _, weight in _KINDS]
    while True:
        yield rng.choices(kinds, weights)[0](rng)


def _pack(rng: random.Random, contract: str) -> bytes:
    size = rng.choice((1, 1, 2, 2, 3, 4, 6))
    items = [neighbour(contract, number) if rng.random() < 0.7 else rng.choice(_SHORT_OF[contract]) for number in range(size)]
    return _wrapped([item.content for item in items], rng.choice(SURROUNDINGS))


def _any(rng: random.Random, contract: str) -> bytes:
    kind = rng.random()
    if kind < 0.4:
        return _pack(rng, contract)
    return rng.choice(_SHORT_MESSAGES) if kind < 0.6 else rng.choice(_SHORT_OF[contract]).content


def _wrapped(contents: list[bytes], around: Surrounding) -> bytes:
    return around.begin + around.between.join(contents) + around.end


def _damaged(rng: random.Random, content: bytes) -> bytes:
    """One to three changes of bytes."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randint(0, len(damaged))
        change = rng.randrange(8)
        if change == 0 and at < len(damaged):
            damaged[at] ^= 1 << rng.randrange(8)
        elif change == 1 and at < len(damaged):
            damaged[at] = rng.choice(_BYTES)
        elif change == 2:
            damaged[at:at] = bytes([rng.choice(_BYTES)])
        elif change == 3:
            damaged[at:at] = rng.choice(_WORDS)
        elif change == 4:
            del damaged[at : at + rng.randint(1, 8)]
        elif change == 5:
            damaged[at : at + rng.randint(0, 6)] = rng.choice(_WORDS)
        elif change == 6:
            damaged[at:at] = damaged[at : at + rng.randint(1, 60)]
        elif len(damaged) > 1:
            begin = rng.randrange(len(damaged))
            damaged[at:at] = damaged[begin : begin + rng.randint(1, 20)]
    return bytes(damaged[: MAX_BYTES + 10])


def _changed(rng: random.Random, value: Any) -> Any:
    """Some members with another value, name or none."""
    if not isinstance(value, dict) or rng.random() < 0.05:
        return _value(rng)
    changed = dict(value)
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        name = rng.choice([*changed, "boot", "device_id", "note", "mode", "drift", "shift", "level", "zone", "readings", "hint", "Ts"])
        if rng.random() < 0.2:
            changed.pop(name, None)
        else:
            changed[name] = _value(rng)
    return changed


def _value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(12)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind == 1:
        return rng.randint(-10, 200)
    if kind == 2:
        return rng.choice(
            (
                0,
                -1,
                5,
                6,
                9,
                10,
                120,
                121,
                2**53 - 1,
                2**53,
                2**53 + 1,
                2**63 - 1,
                2**63,
                -(2**63),
                10**18,
                NOON_MS,
                LATEST_MS,
                LATEST_MS + 1,
            )
        )
    if kind == 3:
        return rng.uniform(-1, 130)
    if kind == 4:
        return rng.choice(
            (0.0, -0.0, 31.0, 120.0, 1e-6, 5e-324, 1e15, 1e21, 1e300, -5.0, 6.0, 1e-5, 9.9e-5, float("nan"), float("inf"), 2.0**53)
        )
    if kind == 5:
        return rng.random() * 10.0 ** rng.randint(-12, 18)
    if kind in (6, 7):
        return rng.choice(
            (
                "",
                "eco",
                "full",
                "five5",
                "sixsix",
                "b-1",
                "b-2",
                "b7",
                "é",
                "😀😀😀😀😀",
                "\ud800",
                "\0",
                "},{",
                "1.0,",
                "2026-09-21T16:01:00Z",
                "2026-02-30T00:00:00Z",
                "x" * 64,
                "x" * 65,
                "x" * 257,
            )
        )
    if kind == 8:
        moment = rng.randint(946_684_800_000 - 10**10, LATEST_MS + 10**9)
        return moment if rng.random() < 0.7 else float(moment)
    if kind == 9:
        zone = rng.choice(("Z", "z", "+00:00", "-11:30", "+14:00", "+02:75", "", "+0200", "+24:00"))
        return f"{rng.randint(1999, 2027)}-{rng.randint(1, 12):02}-{rng.randint(1, 31):02}T{rng.randint(0, 24):02}:{rng.randint(0, 59):02}:{rng.randint(0, 60):02}{zone}"
    if depth > rng.randint(0, 18):
        return None
    if kind == 10:
        return [_value(rng, depth + 1) for _ in range(rng.randint(0, 2))]
    return {rng.choice(("a", "b", "", "é", "ts", "readings")): _value(rng, depth + 1) for _ in range(rng.randint(0, 2))}
