"""Kinds of tokens that must be refused, each by its name; what makes one adds itself here."""

import random
from collections.abc import Callable
from typing import Any

from tests.services.auth.site import claims

Forge = Callable[[random.Random], str]
KINDS: dict[str, Forge] = {}


def kind(name: str) -> Callable[[Forge], Forge]:
    def add(forge: Forge) -> Forge:
        KINDS[name] = forge
        return forge

    return add


def fresh(rng: random.Random, **changes: Any) -> dict[str, Any]:
    return claims(**({"jti": f"{rng.getrandbits(128):032x}"} | changes))
