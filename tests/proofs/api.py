"""The running APIs against their own OpenAPI document: what schemathesis makes of it, sent by a signed-in user of each role, and a good
request for every operation.

Each answer is held against the document by the checks in tests/services/generated.py. All that was made comes from one seed, so that the
counts are the same again.
"""

import itertools
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemathesis.generation.hypothesis.builder import HypothesisTestMode as Phase

from tests.proofs import Size
from tests.proofs._journey import say
from tests.services.generated import CHECKS, Sender, Spares, schema_of
from tests.services.good_requests import GOOD
from tests.services.live import ROLES, Live, living

WHAT = "20,000 requests made of the OpenAPI document by users of 5 roles: no 5xx, no answer that the document does not declare, each operation succeeds."
CODE = ("services", "fleet", *(f"tests/services/{name}.py" for name in ("generated", "good_requests", "live")))
SEED = 6

_SHOWN = 5


@dataclass(frozen=True)
class _Plan:
    """Of one in `every` operation as each of so many `roles`: `phases`, and `examples` by chance in the last of them."""

    every: int
    roles: int
    phases: tuple[Phase, ...]
    examples: int
    requests: int


_PLANS = {
    Size.SMALL: _Plan(4, 1, (Phase.FUZZING,), 3, 30),
    Size.FULL: _Plan(1, len(ROLES), (Phase.EXAMPLES, Phase.COVERAGE, Phase.FUZZING), 80, 20_000),
}


def prove(size: Size) -> dict[str, Any]:
    plan, begun = _PLANS[size], time.monotonic()
    with tempfile.TemporaryDirectory() as folder, living(Path(folder) / "home") as live:
        sender = Sender(live, schema_of(live.url), Spares(live))
        assert {operation.label for operation in sender.operations()} == set(GOOD), "each operation has its good request"
        good = _good(live, sender)
        _generated(sender, plan)
    counts = sender.counts
    assert not counts.failures, "\n".join([f"{len(counts.failures)} kinds of wrong answers", *counts.failures.values()][: _SHOWN + 1])
    assert set(counts.refused_token) <= {"POST /auth/credentials"}, f"a caller was signed in no more: {counts.refused_token}"
    assert set(counts.by_role) == set(ROLES)
    assert counts.by_role.total() >= plan.requests, f"{counts.by_role.total()} requests"
    return {
        "requests": counts.by_role.total(),
        "by_role": dict(counts.by_role),
        "by_status_class": dict(sorted(_classes(counts.by_status).items())),
        "by_status": dict(sorted(counts.by_status.items())),
        "by_phase": dict(counts.by_phase),
        "by_data": dict(counts.by_mode),
        "operations": len(GOOD),
        "operations_that_succeeded": len(good),
        "of_them_by_good_requests_alone": sorted(good - counts.succeeded) if size is Size.FULL else [],
        "checks": [check.__name__ for check in CHECKS],
        "server_errors": 0,
        "not_as_declared": 0,
        "seconds": round(time.monotonic() - begun),
    }


def _classes(by_status: Counter[str]) -> Counter[str]:
    classes = Counter[str]()
    for status, count in by_status.items():
        classes[f"{status[0]}xx"] += count
    return classes


def _good(live: Live, sender: Sender) -> set[str]:
    """The operations that answered their good request with success, and as the document says."""
    for operation in sender.operations():
        request = GOOD[operation.label](live)
        answer = request.sent(live, operation.label)
        assert answer.is_success, f"{operation.label} as {request.by or 'nobody'}: {answer.status_code} {answer.text}"
        operation.validate_response(answer)
    return set(GOOD)


def _generated(sender: Sender, plan: _Plan) -> None:
    roles = itertools.cycle(ROLES)
    for operation in itertools.islice(sender.operations(), 0, None, plan.every):
        for role in itertools.islice(roles, plan.roles):
            sender.run(operation, role, plan.phases, plan.examples, SEED)
        say(f"{sender.counts.by_role.total()} requests, {len(sender.counts.failures)} kinds of wrong answers, after {operation.label}")
