"""Work that Ctrl-C must not cut in half. In a thread other than the main one, where signals do not arrive, nothing is done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore SIGINT and SIGTERM within the block: a stop goes to its end."""
    with _handled(lambda number, frame: None):
        yield


@contextmanager
def deferred() -> Iterator[None]:
    """Let SIGINT and SIGTERM take effect only when the block is done: what it starts is noted before."""
    arrived: list[int] = []
    with _handled(lambda number, frame: arrived.append(number)):
        yield
    for number in arrived[:1]:
        signal.raise_signal(number)


@contextmanager
def _handled(handler: "signal._HANDLER") -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A handler rather than SIG_IGN: what is started meanwhile would inherit that.
    before = {number: signal.signal(number, handler) for number in _NUMBERS}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
