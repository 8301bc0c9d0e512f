"""A million hostile payloads: the written corpus in every surrounding, and fuzz; by the reference and by the fast way.

It runs in rounds, each by its own seed, on every core; the full proof keeps the counts of each round that has ended in
``build/proof-decode/``, so that one that was broken off goes on with the next. A round by itself: ``round_of(NUMBER, Size.FULL)``.
"""

import itertools
import multiprocessing
import os
import random
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lake.reasons import Reason
from tests.hostile import corpus, fuzz
from tests.hostile.bad_envelopes import BAD_ENVELOPE
from tests.hostile.cases import Payload
from tests.hostile.fate import look
from tests.hostile.judge import Crashed, Differs, Look, Wrong, judged
from tests.proofs import Size
from tests.proofs._journey import say
from tests.proofs._rounds import Rounds

WHAT = "1 M hostile payloads, 50 or more written for each reason, and fuzz: no crash, the right reason, no neighbour lost, fast = reference, < 300 MB."
CODE = (
    *(
        f"ingestion/{name}.py"
        for name in (
            "columns",
            "decode",
            "decode_fast",
            "envelope",
            "judge",
            "rows",
            "runs",
            "split",
            "strict_json",
            "typed_columns",
            "typed_reading",
            "validate",
        )
    ),
    *(f"lake/{name}.py" for name in ("identity", "object_name", "quarantine", "reading", "reasons", "schemas")),
    "tests/hostile",
)
SEED = 8

_MOST_MB = 300
# Not decode's to give of a payload: tests/hostile/__init__.py.
_OF_OTHERS = {Reason.EVENT_ID_CONFLICT, Reason.GATE_REFUSED, Reason.BAD_ENVELOPE}
_BATCH = 50
_WRONG = {Crashed: "crashes", Differs: "fast_differs", Wrong: "wrong"}


@dataclass(frozen=True)
class _Plan:
    """Of what is written each round takes one in `every`; the rest of it is half the corpus in surroundings by chance, half fuzz."""

    rounds: int
    payloads: int
    every: int

    @property
    def total(self) -> int:
        return self.rounds * self.payloads


_PLANS = {Size.SMALL: _Plan(2, 1_500, 30), Size.FULL: _Plan(50, 20_000, 50)}


def prove(size: Size) -> dict[str, Any]:
    plan = _PLANS[size]
    kept = Rounds("decode", (*CODE, "ingestion", "lake", "tests/proofs"), SEED)
    done = kept.done() if size is Size.FULL else {}
    say(f"{plan.total} payloads from seed {SEED}, {len(done)} of {plan.rounds} rounds were done before")
    # New interpreters: a forked one would begin with this one's memory.
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), initializer=_quiet) as pool:
        running = {pool.submit(round_of, number, size): number for number in range(plan.rounds) if number not in done}
        try:
            for ended in as_completed(running):
                told = done[running[ended]] = ended.result()
                if size is Size.FULL:
                    kept.keep(running[ended], told)
                say(
                    f"round {running[ended]}: {told['payloads']} payloads in {told['seconds']} s, {told['peak_mb']} MB; {len(done)} of {plan.rounds} rounds"
                )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    counts = _total(plan, list(done.values())) | {"processes": cores, "seconds_of_rounds": sum(told["seconds"] for told in done.values())}
    if size is Size.FULL:
        kept.forget()
    return counts


def round_of(number: int, size: Size) -> dict[str, Any]:
    """Counts of one round, and the first payloads of it that something else became of."""
    begun, outcomes, kinds, slowest = time.monotonic(), Counter[str](), Counter[str](), 0.0
    wrong: list[Wrong] = []
    for batch in _batched(_payloads(number, _PLANS[size])):
        began = time.process_time()
        for is_fuzz in (False, True):
            outcomes += _judged([payload for by, payload in batch if by == is_fuzz], look if is_fuzz else None, wrong)
        slowest = max(slowest, time.process_time() - began)
        kinds.update(payload.label if is_fuzz else "written" for is_fuzz, payload in batch)
    return {
        "payloads": sum(kinds.values()),
        "kinds": dict(kinds),
        "outcomes": dict(outcomes),
        "wrong": dict(Counter(_WRONG[type(one)] for one in wrong)),
        "first_wrong": [f"round {number} of seed {SEED}: {one}" for one in wrong[:3]],
        "peak_mb": peak_mb(),
        "seconds": round(time.monotonic() - begun),
        "slowest_batch_seconds": round(slowest, 2),
    }


def _judged(payloads: list[Payload], by: Look | None, wrong: list[Wrong]) -> Counter[str]:
    try:
        return judged(payloads, by)
    except Wrong as first:
        if len(payloads) == 1:
            wrong.append(first)
            return Counter()
    return sum((_judged([payload], by, wrong) for payload in payloads), Counter[str]())


def _payloads(number: int, plan: _Plan) -> Iterator[tuple[bool, Payload]]:
    """Each with whether it is fuzz: then the oracle says what must become of it, otherwise it says so itself."""
    rng = random.Random(f"{SEED}-{number}")
    written = itertools.islice(itertools.chain(corpus.once(), corpus.everywhere()), number, None, plan.every)
    made = 0
    for payload in written:
        made += 1
        yield False, payload
    left = plan.payloads - made
    yield from ((False, fuzz.in_any_surrounding(rng)) for _ in range(left // 2))
    yield from ((True, payload) for payload in itertools.islice(fuzz.by_chance(rng), left - left // 2))


def _batched(payloads: Iterator[tuple[bool, Payload]]) -> Iterator[tuple[tuple[bool, Payload], ...]]:
    while batch := tuple(itertools.islice(payloads, _BATCH)):
        yield batch


def peak_mb() -> int:
    """Of this process alone: what getrusage tells on Linux may be of the one that started it, when that was larger."""
    status = Path("/proc/self/status")
    if status.is_file():
        kib = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return round(kib * 1024 / 1e6)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)


def _total(plan: _Plan, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes, kinds, wrong = (sum((Counter(told[name]) for told in rounds), Counter[str]()) for name in ("outcomes", "kinds", "wrong"))
    assert not wrong, "\n".join([str(dict(wrong)), *(one for told in rounds for one in told["first_wrong"])][:4])
    peak = max(told["peak_mb"] for told in rounds)
    written = Counter(
        [case.reason for case in corpus.READINGS] + [case.reason for case in corpus.MESSAGES] + ["bad_envelope"] * len(BAD_ENVELOPE)
    )
    assert sum(kinds.values()) == plan.total
    assert {reason for reason in Reason if outcomes[reason.value] < (50 if plan.total >= 1_000_000 else 1)} == _OF_OTHERS
    assert {reason for reason in Reason if written[reason.value] < 50} == _OF_OTHERS - {Reason.BAD_ENVELOPE}
    assert peak < _MOST_MB, f"a process took {peak} MB"
    return {
        "payloads": plan.total,
        "kinds": dict(kinds.most_common()),
        "readings_taken": outcomes.pop("row"),
        "refused": dict(outcomes.most_common()),
        "written_payloads": dict(sorted(written.items())) | {"sound": len(corpus.SOUND) + len(corpus.BY_HAND)},
        **{name: wrong[name] for name in _WRONG.values()},
        "peak_mb": peak,
        "slowest_batch_of_50_seconds": max(told["slowest_batch_seconds"] for told in rounds),
    }


def _quiet() -> None:
    # Ctrl-C is told once, by the process that the person looks at.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
