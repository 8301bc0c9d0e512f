"""``python -m tests.faults --list`` | ``[--seed N] [NAME…]``: the fault matrix; without names, all of it."""

# ruff: noqa: T201

import argparse
import contextlib
import io
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.cases import Case, case, cases
from tests.faults.run import lane, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The worker under every fault.")
    parser.add_argument("names", nargs="*", help="cases; none: all")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--seed", type=int, default=0, help="order of messages and length of pauses")
    asked = parser.parse_args()
    known = {each.name for each in cases()}
    unknown = set(asked.names) - known
    if unknown:
        print(f"faults: there is no case {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(each.name for each in cases()))
        return 0
    return _run([case(name) for name in asked.names] or cases(), asked.seed)


def _run(chosen: list[Case], seed: int) -> int:
    # The worker tells each fault; here only the outcome counts.
    logging.disable(logging.CRITICAL)
    failed = 0
    with (
        tempfile.TemporaryDirectory(prefix="fleetlake-faults-") as folder,
        lane(Path(folder)) as shared,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        for each in chosen:
            began = time.monotonic()
            wrong = run(each, shared, seed).wrong(each)
            failed += bool(wrong)
            print(f"{'FAILED' if wrong else 'ok':<7}{time.monotonic() - began:5.1f} s  {each.name}  {'; '.join(wrong)}", file=sys.stderr)
    print(f"{len(chosen)} cases, {failed} failed, seed {seed}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
