"""`python -m tests.proofs` lists the proofs; `python -m tests.proofs NAME` runs one at full size and writes its record."""

import importlib
import json
import platform
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.proofs import Size

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "docs" / "proofs"


def main(arguments: list[str]) -> int:
    if not arguments:
        return list_proofs()
    if arguments[0] not in names():
        print(f"proofs: there is no {arguments[0]!r}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    return run(arguments[0])


def names() -> list[str]:
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))


def list_proofs() -> int:
    for name in names():
        proof = importlib.import_module(f"tests.proofs.{name}")
        print(f"make proof-{name:<10} {ran_at(name):<11} {standing(name, proof.CODE):<24} {proof.WHAT}")
    return 0


def ran_at(name: str) -> str:
    file = RECORDS / f"{name}.json"
    return str(json.loads(file.read_text())["at"])[:10] if file.is_file() else ""


def standing(name: str, code: tuple[str, ...]) -> str:
    """Whether the record is there, and as new as the code it proves."""
    file = RECORDS / f"{name}.json"
    if not file.is_file():
        return "never run"
    record = json.loads(file.read_text())
    if not record["clean"]:
        return "of code that was never committed"
    later = git("log", "--oneline", f"{record['commit']}..HEAD", "--", *code)
    if later is None:
        return "its commit is not here"
    return "stands" if not later else f"older than {len(later.splitlines())} commits"


def run(name: str) -> int:
    proof = importlib.import_module(f"tests.proofs.{name}")
    started = time.monotonic()
    counts: dict[str, Any] = proof.prove(Size.FULL)
    record = {
        "proof": name,
        "what": proof.WHAT,
        "command": f"make proof-{name}",
        "commit": git("rev-parse", "HEAD"),
        # The record of another proof, not committed yet, is no change of what is proven.
        "clean": not git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/proofs"),
        "seed": proof.SEED,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started),
        "python": platform.python_version(),
        "counts": counts,
    }
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))
    return 0


def git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    # One that was started in the background ignores SIGINT, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("proofs: interrupted; rounds that have ended are kept where a proof has rounds")
