"""Good tokens taken apart, changed, cut and spelt anew."""

import base64
import hashlib
import random
from typing import Any

from tests.services.auth.kinds import fresh, kind
from tests.services.auth.site import (
    ACCESS_KID,
    HEADER,
    SECOND,
    compact,
    encode,
    good,
    token_of,
)


def _unsigned(header: Any, content: Any) -> str:
    return f"{encode(compact(header))}.{encode(compact(content))}"


@kind("parts of two good tokens swapped")
def _swapped(rng: random.Random) -> str:
    first, second = good(rng).split("."), good(rng).split(".")
    return ".".join([first[0], *rng.choice([(first[1], second[2]), (second[1], first[2])])])


@kind("parts in another order, or one too many or few")
def _reordered(rng: random.Random) -> str:
    a, b, c = good(rng).split(".")
    return rng.choice(
        [f"{b}.{a}.{c}", f"{a}.{c}.{b}", f"{a}.{b}", f"{a}.{b}.{c}.{c}", f"{a}.{b}.", f".{b}.{c}", f"{a}..{c}", f"{a}.{b}.{c}."]
    )


@kind("a claim changed under a good signature")
def _changed(rng: random.Random) -> str:
    header, _, signature = good(rng).split(".")
    changes: list[dict[str, Any]] = [{"cognito:groups": ["admin"]}, {"sub": "somebody-else"}, {"username": "root"}, {"exp": SECOND + 7200}]
    return f"{header}.{encode(compact(fresh(rng, **rng.choice(changes))))}.{signature}"


@kind("the header changed under a good signature")
def _changed_header(rng: random.Random) -> str:
    _, content, signature = good(rng).split(".")
    return f"{encode(compact({'alg': 'RS256', 'kid': ACCESS_KID, 'typ': 'JWT'}))}.{content}.{signature}"


def _flip(rng: random.Random, at: int) -> str:
    parts = good(rng).split(".")
    content = bytearray(base64.urlsafe_b64decode(parts[at] + "=" * (-len(parts[at]) % 4)))
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    parts[at] = encode(bytes(content))
    return ".".join(parts)


@kind("a bit of the header flipped")
def _flip_header(rng: random.Random) -> str:
    return _flip(rng, 0)


@kind("a bit of the payload flipped")
def _flip_payload(rng: random.Random) -> str:
    return _flip(rng, 1)


@kind("a bit of the signature flipped")
def _flip_signature(rng: random.Random) -> str:
    return _flip(rng, 2)


@kind("a bit of the token's own text flipped")
def _flip_text(rng: random.Random) -> str:
    text = bytearray(good(rng).encode())
    text[rng.randrange(len(text))] ^= 1 << rng.randrange(7)
    return text.decode()


@kind("the same signature in another spelling of base64")
def _spelling(rng: random.Random) -> str:
    head, _, signature = good(rng).rpartition(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 256 bytes leave 4 bits of the last letter unused.
    unused = alphabet[alphabet.index(signature[-1]) ^ rng.randint(1, 15)]
    at = rng.randrange(len(signature))
    other = [signature[:-1] + unused, signature + "==", signature + "=", signature[:at] + rng.choice("!\n +/ ") + signature[at:]]
    return f"{head}.{rng.choice(other)}"


@kind("a signature cut short, made longer or of zeros")
def _cut(rng: random.Random) -> str:
    head, _, signature = good(rng).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{encode(rng.choice([raw[:-1], raw + b'x', b'', bytes(256), bytes([0] * 255 + [1]), raw[::-1], b'x00' + raw]))}"


@kind("longer than 8 KB, rightly signed")
def _long(rng: random.Random) -> str:
    return token_of(HEADER, fresh(rng, padding="x" * rng.randint(8192, 20_000)))


@kind("signed by a key whose hash is another")
def _other_digest(rng: random.Random) -> str:
    text = _unsigned(HEADER, fresh(rng))
    return f"{text}.{encode(hashlib.sha256(text.encode()).digest() * 8)}"


@kind("a five-part token (JWE)")
def _jwe(rng: random.Random) -> str:
    return ".".join(
        [encode(compact({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": ACCESS_KID})), *(encode(rng.randbytes(n)) for n in (256, 12, 200, 16))]
    )


@kind("white space, quotes or another scheme around a good one")
def _around(rng: random.Random) -> str:
    token = good(rng)
    return rng.choice(
        [f" {token}", f"{token} ", f'"{token}"', f"{token},{token}", f"Bearer {token}", f"{token}\n", f"{token}\0", f"ｅ{token[1:]}"]
    )
