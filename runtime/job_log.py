"""What the log of a Spark job says of its end: why it failed, and whether another try could end otherwise.

A job's own lines are JSON (`runtime.log`); between them stand those of Spark, the JVM and Python.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from runtime.errors import NO_RETRY

_LONGEST = 1000
# What Spark, and an exception that nobody caught, say of themselves; the most telling first.
_TELLING = (re.compile(r"Job aborted due to stage failure:.*"), re.compile(r"^[\w.]*(?:Error|Exception)\b.*"))


def reason(lines: Sequence[str]) -> str:
    """The sentence that tells why the job failed, at most 1,000 characters; empty where it wrote nothing."""
    failed = _last_error(lines)
    if failed:
        return str(failed["message"])[:_LONGEST]
    for telling in _TELLING:
        for line in reversed(lines):
            found = telling.search(line)
            if found:
                return found.group()[:_LONGEST]
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:_LONGEST]


def is_final(lines: Sequence[str]) -> bool:
    """Whether the job says that its next try would end the same way."""
    failed = _last_error(lines)
    return failed is not None and failed.get("exit_code") == NO_RETRY


def _last_error(lines: Sequence[str]) -> dict[str, Any] | None:
    """The job's own last word, where it is that it failed."""
    for line in reversed(lines):
        entry = _entry(line)
        if entry and "exit_code" in entry:
            return entry
    return None


def _entry(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "message" in entry else None
