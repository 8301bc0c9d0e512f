"""A laptop's catalog that cannot be used: how it shows itself, through whichever library, and the error that a person gets."""

from runtime.errors import FleetlakeError, RetryLater, SetupError

_LOCKED = "the lake's catalog is locked: another process has held it for as long as is waited; end that, or wait for it, and run it again"
_DAMAGED = "the lake's catalog is damaged: put it back from a copy of the lake"
_LOCKED_WORDS = ("database is locked", "SQLITE_BUSY")
_DAMAGED_WORDS = ("database disk image is malformed", "file is not a database")


def catalog_error(error: BaseException) -> FleetlakeError | None:
    """RetryLater of a locked catalog, SetupError of a damaged one; None where the error is about something else.

    Java's and SQLAlchemy's errors keep SQLite's words, not its class.
    """
    words = str(error)
    if any(told in words for told in _LOCKED_WORDS):
        return RetryLater(_LOCKED)
    return SetupError(_DAMAGED) if any(told in words for told in _DAMAGED_WORDS) else None
