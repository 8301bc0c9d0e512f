"""A full disk: how it shows itself to whoever writes, and what a person is told of it."""

import errno
import shutil
import sqlite3
from pathlib import Path

# With less than this left no object can be written.
LEAST_FREE = 1024 * 1024


def says_full(error: BaseException | None) -> bool:
    """Whether the error, or what caused it, is a disk's or SQLite's word that there is no room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            return True
        error = error.__cause__
    return False


def free_bytes(folder: Path) -> int | None:
    """What is free on the disk of `folder`; None where there is no such folder."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def is_full(folder: Path) -> bool:
    free = free_bytes(folder)
    return free is not None and free < LEAST_FREE


def told_full(place: Path | str) -> str:
    return f"{place}: the disk is full; make room on it, then run it again"
