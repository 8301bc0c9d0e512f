"""Work in a thread of its own, which is left to itself when it takes too long: a call that hangs cannot be ended from outside."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from runtime.errors import RetryLater

Value = TypeVar("Value")


class TimeIsOver(RetryLater):
    pass


class Aside(Generic[Value]):
    """Begun when it is made."""

    def __init__(self, do: Callable[[], Value], name: str) -> None:
        self._do = do
        self._made: list[Value] = []
        self._error: BaseException | None = None
        # Not waited for at the end of the process.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._made.append(self._do())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            self._error = error

    def is_over(self, seconds: float) -> bool:
        """Whether it has ended, within `seconds` at the latest."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> Value:
        """What it returned, or raises what it raised. Asked for when it is over."""
        if self._error:
            raise self._error
        return self._made[0]


def within(seconds: float, do: Callable[[], Value], name: str) -> Value:
    """What `do` returns. Raises TimeIsOver when it takes longer than `seconds`; then it goes on by itself, and nobody hears of it."""
    if seconds == float("inf"):
        return do()
    aside = Aside(do, name)
    if not aside.is_over(max(0.0, seconds)):
        raise TimeIsOver(f"{name}: not over after {seconds:.1f} s")
    return aside.result()
