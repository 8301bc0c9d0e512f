"""A laptop's catalog that cannot be used: how it shows itself, through whichever library, and what a person is told of it."""

_LOCKED = "the lake's catalog is locked: another process has held it for as long as is waited; end that, or wait for it, and run it again"
_DAMAGED = "the lake's catalog is damaged: put it back from a copy of the lake"
_TOLD = {
    "database is locked": _LOCKED,
    "SQLITE_BUSY": _LOCKED,
    "database disk image is malformed": _DAMAGED,
    "file is not a database": _DAMAGED,
}


def told_catalog(error: BaseException) -> str | None:
    """The sentence; None where the error is about something else. Java's and SQLAlchemy's errors keep SQLite's words, not its class."""
    return next((told for words, told in _TOLD.items() if words in str(error)), None)
