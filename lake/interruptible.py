"""DuckDB's work in a thread of its own, so that Ctrl-C ends it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

import duckdb

Answer = TypeVar("Answer")

_LOOK_SECONDS = 0.1
# What does not stop by then is left behind: Python's part of the work, a read over the network.
_GRACE_SECONDS = 2.0


def interruptibly(connection: Any, work: Callable[[], Answer]) -> Answer:
    """What `work` on the `connection` gives or raises; KeyboardInterrupt within seconds of a SIGINT.

    Python handles signals in the main thread between its own instructions, and a query is one long instruction of C++.
    """
    outcome: Future[Answer] = Future()
    try:
        threading.Thread(target=_settle, args=(outcome, work), name="duckdb", daemon=True).start()
        # Not Thread.join(): one that was interrupted takes the thread for ended (Python 3.11).
        while not outcome.done():
            wait([outcome], timeout=_LOOK_SECONDS)
        return _answer(outcome)
    except KeyboardInterrupt:
        _stop(connection, outcome)
        raise
    finally:
        # The future holds an error that holds this frame: a ring that would keep the connection.
        del outcome


def _settle(outcome: "Future[Answer]", work: Callable[[], Answer]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
        outcome.set_exception(error)


def _stop(connection: Any, outcome: "Future[Answer]") -> None:
    """Again and again: an interrupt between two statements is forgotten when the second begins."""
    deadline = monotonic() + _GRACE_SECONDS
    while not outcome.done() and monotonic() < deadline:
        with suppress(duckdb.Error):
            connection.interrupt()
        wait([outcome], timeout=_LOOK_SECONDS)


def _answer(outcome: "Future[Answer]") -> Answer:
    try:
        return outcome.result()
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise
    finally:
        del outcome
