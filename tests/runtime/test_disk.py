"""How a full disk shows itself, whoever says it."""

import errno
import sqlite3
from pathlib import Path

from runtime.disk import free_bytes, is_full, says_full, told_full


def test_the_words_of_a_file_system_and_of_sqlite_are_known_alone_and_as_a_cause() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert says_full(full)
    assert says_full(OSError(errno.EDQUOT, "Disk quota exceeded"))
    assert says_full(sqlite_full())
    assert says_full(caused_by(sqlite_full()))
    assert says_full(caused_by(caused_by(full)))
    others = [OSError(errno.EACCES, "Permission denied"), sqlite3.OperationalError("no such table: x"), ValueError("disk is full")]
    assert [says_full(error) for error in others] == [False] * 3
    assert not says_full(None)


def sqlite_full() -> sqlite3.Error:
    """As SQLite itself says it, of a file that may grow no further."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA max_page_count = 3")
    try:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    except sqlite3.Error as error:
        return error
    finally:
        connection.close()
    raise AssertionError("SQLite took more than it may")


def caused_by(cause: Exception) -> Exception:
    error = RuntimeError("a library's own")
    error.__cause__ = cause
    return error


def test_a_disk_with_room_is_not_full_and_a_folder_that_is_not_there_has_no_disk(tmp_path: Path) -> None:
    assert (free_bytes(tmp_path) or 0) > 0
    assert not is_full(tmp_path)
    assert free_bytes(tmp_path / "none") is None
    assert not is_full(tmp_path / "none")


def test_the_sentence_names_the_place_and_the_remedy() -> None:
    assert told_full("/h") == "/h: the disk is full; make room on it, then run it again"
