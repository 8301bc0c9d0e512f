"""Many callers at the same moment."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.problems import ApiError


def together(call: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
    """What `call` gives for each at the same time; an ApiError is given as what it is."""
    arguments = list(arguments)
    gate = threading.Barrier(len(arguments))

    def one(argument: Any) -> Any:
        gate.wait(10)
        try:
            return call(argument)
        except ApiError as error:
            return error

    with ThreadPoolExecutor(len(arguments)) as threads:
        return list(threads.map(one, arguments))
