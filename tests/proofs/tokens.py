"""100,000 forged tokens of every kind that is written in tests/services/auth/forge.py: none is accepted, and a good one is each time.

A kind is forged in batches; before and after each a good token that nobody had before must be accepted, and the last one of the batch
is tried again, which the memory of good tokens must not have learnt.
"""

import itertools
import random
import time
from collections import Counter
from typing import Any

from services.auth.claims import Refused
from services.auth.tokens import KNOWN_TOKENS
from services.identity import Caller
from tests.proofs import Size
from tests.proofs._journey import say
from tests.services.auth.forge import KINDS
from tests.services.auth.site import USER, Site, good

WHAT = "100,000 forged access tokens of 50 kinds: 0 accepted, 0 crashes, and a good token accepted before and after each batch."
CODE = (
    *(f"services/auth/{name}.py" for name in ("access", "claims", "jwks", "tokens")),
    "tests/services/auth/forge.py",
    "tests/services/auth/site.py",
)
SEED = 6

_TOTAL = {Size.SMALL: 1_200, Size.FULL: 100_000}
_BATCH = 20
_SHOWN = 5


def prove(size: Size) -> dict[str, Any]:
    site, rng, begun = Site(), random.Random(SEED), time.monotonic()
    forged, reasons, wrong, controls = Counter[str](), Counter[str](), [], 0
    for number, name in enumerate(itertools.cycle(KINDS)):
        left = _TOTAL[size] - forged.total()
        if left == 0:
            break
        controls += _control(site, rng)
        for _ in range(min(_BATCH, left)):
            token = KINDS[name](rng)
            outcome = _outcome(site, token)
            forged[name] += 1
            reasons[outcome] += 1
            if outcome.startswith(("accepted", "crashed")):
                wrong.append(f"{name}: {outcome}: {token[:200]}")
        if _outcome(site, token).startswith("accepted"):
            wrong.append(f"{name}: accepted the second time: {token[:200]}")
        controls += _control(site, rng)
        if number % (25 * len(KINDS)) == 0:
            say(f"{forged.total()} forged tokens, {len(wrong)} of them not refused")
    assert not wrong, "\n".join(wrong[:_SHOWN])
    assert set(forged) == set(KINDS)
    assert len(site.tokens._known) <= KNOWN_TOKENS
    return {
        "forged": forged.total(),
        "accepted": 0,
        "crashed": 0,
        "good_controls_accepted": controls,
        "key_fetches": site.fetched,
        "kinds": dict(sorted(forged.items())),
        "reasons": dict(reasons.most_common()),
        "seconds": round(time.monotonic() - begun),
    }


def _control(site: Site, rng: random.Random) -> int:
    assert site.tokens.verify(good(rng)).user_id == USER, "a good token was refused"
    return 1


def _outcome(site: Site, token: str) -> str:
    try:
        caller: Caller = site.tokens.verify(token)
    except Refused as refused:
        return refused.why
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return f"crashed: {type(error).__name__}: {error}"
    return f"accepted as {caller.user_id}"
