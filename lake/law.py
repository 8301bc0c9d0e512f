"""The law of delivery: each reading that was sent is in exactly one place, none is visible twice, none was never sent.

Judged by identity, not by count. A reading's place is the first that fits:

    visible        in silver, once
    held           in a bronze object of a run that the quality gate holds back
    quarantined    by decode (same bytes at the same place), or by silver or the gate (same identity and values)
    waiting        in a bronze object that no run has settled: in flight
    dead letter    in the dead-letter queue
    erased         of a device that was erased after it was sent, known by its salted hash
    expired        of a day that the contract's retention keeps no longer
    lost           in none of them; while messages wait in the telemetry or the error queue, or no queue can be asked: unknown

Never sent is what silver, bronze on its way there or quarantine has and no truth file: those that are given, or others of the home.
A quarantined reading that was replayed is no longer quarantined: it is where its readings went, visible as soon as they are.

Sent is what was acknowledged, by the truth files. What was sent without an acknowledgement may have arrived or not: it is
neither lost nor phantom.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lake.law_judge import judge
from lake.law_queues import Queues, read_queues
from lake.law_verdict import Breach, Place, Surprise, Tally, Verdict, Violation
from runtime.errors import LawUnknown
from runtime.platforms import Platform

__all__ = ["Breach", "Place", "Surprise", "Tally", "Verdict", "Violation", "verify"]


def verify(
    platform: Platform,
    files: Sequence[Path],
    *,
    wait_seconds: float = 0,
    pause: Callable[[float], None] = time.sleep,
    queues: Callable[[], Queues] | None = None,
) -> Verdict:
    """Hold the lake against the truth `files`; look again for up to `wait_seconds` while readings are missing.

    `queues` tells what the queues hold. Raises LawUnknown without a file, UserError for a file that is no truth file.
    """
    if not files:
        raise LawUnknown("verify: there is no truth file, so nothing says what was sent; give one with --truth, or simulate first")
    deadline = time.monotonic() + wait_seconds
    ask = queues or (lambda: read_queues(platform))
    while True:
        verdict = judge(platform, files, ask)
        if not (verdict.place(Place.LOST) or verdict.place(Place.UNKNOWN)) or time.monotonic() >= deadline:
            return verdict
        pause(1.0)
