"""Bugs that the suite must catch: each a small change to a copy of the tree, and the cases that must fail over it.

``python -m tests.faults.planted`` plants each in turn and runs its cases, over the copy, in a process of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runtime.settings import REPOSITORY

_TREE = ("runtime", "lake", "ingestion", "tests", "contracts")


@dataclass(frozen=True)
class Bug:
    """In `file`, each `changes` pair is (what is there once, what stands there instead); `says`: a word of the suite's complaint."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    cases: tuple[str, ...]
    says: str


BUGS = (
    Bug(
        "delete before put",
        "ingestion/worker.py",
        (
            (
                "        if due.delivered is None:\n",
                "        self._queue.delete(batch.messages)\n        if due.delivered is None:\n",
            ),
        ),
        ("put_bronze-killed_before-first",),
        "lost",
    ),
    Bug(
        "swallowed exception",
        "ingestion/delivery.py",
        (
            (
                "    made, existing = put_bronze(projection.platform, rows, put_at)\n",
                "    try:\n        made, existing = put_bronze(projection.platform, rows, put_at)\n"
                "    except Exception:\n        made, existing = 0, 0\n",
            ),
        ),
        ("put_bronze-error_500-first",),
        "lost",
    ),
    Bug(
        "queue message id as key",
        "ingestion/batch.py",
        (
            (
                "        self.quarantined += decode_message_into(self.rows, message.body, message.sent_at, self.settings)\n",
                "        import dataclasses, hashlib\n"
                "        from ingestion.arrival import decode_message\n"
                "        decoded = decode_message(message.body, message.sent_at, self.contracts, self.settings)\n"
                "        named = lambda old: hashlib.sha256((message.message_id + old).encode()).hexdigest()[:32]\n"
                "        readings = [dataclasses.replace(r, event_id=named(r.event_id)) for r, _ in decoded.rows]\n"
                "        self.rows.begin_message(decoded.rows[0][1].contract if readings else '')\n"
                "        self.rows.add_readings(decoded.rows[0][1] if readings else None, readings, range(len(readings)))\n"
                "        self.quarantined += decoded.quarantined\n",
            ),
        ),
        ("put_bronze-lost_answer-first",),
        "twice",
    ),
    Bug(
        "unsorted hash",
        "ingestion/columns.py",
        (("    order = np.lexsort((arrivals, times_ms, rank))\n", "    return np.argsort(arrivals)\n"),),
        ("reordered-put_quarantine", "reordered-wrote_timeseries"),
        "same_object_twice",
    ),
    Bug(
        "clock in the key",
        "lake/layout.py",
        (
            (
                'part-{digest}.parquet"\n\n\ndef ingest_partition',
                'part-{digest[:56]}{int(put_at.timestamp()):08x}.parquet"\n\n\ndef ingest_partition',
            ),
        ),
        ("put_bronze-lost_answer-first",),
        "same_object_twice",
    ),
    Bug(
        "batch failures unread",
        "runtime/sqs.py",
        (("if str(i) not in done]", "if False]"),),
        ("delete-partial-first",),
        "came again",
    ),
    Bug(
        "visibility never extended",
        "ingestion/hand.py",
        (("        late = self._hand.late(now, self._seconds / 2)\n", "        late: list[Message] = []\n"),),
        ("put_bronze-slow-first",),
        "came again",
    ),
)


def suspects(bug: Bug, folder: Path, *, planted: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run the bug's cases over a copy of the tree in `folder`, with or without the bug."""
    for name in _TREE:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    if planted:
        file = folder / bug.file
        text = file.read_text()
        for old, new in bug.changes:
            assert text.count(old) == 1, f"{bug.name}: {bug.file} has changed; {old.strip()!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        file.write_text(text)
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.faults", *bug.cases]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)


def main() -> int:
    missed = 0
    for bug in BUGS:
        with tempfile.TemporaryDirectory(prefix="fleetlake-planted-") as folder:
            done = suspects(bug, Path(folder))
        is_caught = done.returncode == 1 and bug.says in done.stderr
        missed += not is_caught
        sys.stderr.write(f"{'caught' if is_caught else 'MISSED'}  {bug.name}\n{done.stderr}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
