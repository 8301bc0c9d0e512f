"""A platform whose AWS answers each call as it did the first time, from memory: what is left is the application's own CPU."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from runtime.platforms import Platform


class Remembering:
    """Stands before a platform. A call is known by its service, operation and arguments; of an update of a shadow the document is left out."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.settings = platform.settings
        self._clients: dict[str, _Client] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = _Client(self._platform.client(service))
        return self._clients[service]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)


class _Client:
    def __init__(self, client: Any) -> None:
        self._client = client
        self.exceptions = client.exceptions
        self.meta = client.meta
        self._known: dict[str, Any] = {}

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(self, operation)

    def pages(self, operation: str, arguments: dict[str, Any]) -> list[Any]:
        found: list[Any] = self._answer(
            f"pages of {operation}", lambda: list(self._client.get_paginator(operation).paginate(**arguments)), arguments
        )
        return found

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            return _fresh(self._answer(operation, lambda: _kept(getattr(self._client, operation)(**arguments)), arguments))

        return call

    def _answer(self, operation: str, ask: Callable[[], Any], arguments: dict[str, Any]) -> Any:
        known = {name: value for name, value in arguments.items() if name != "payload"}
        key = operation + json.dumps(known, default=str, sort_keys=True)
        if key not in self._known:
            self._known[key] = ask()
        return self._known[key]


class _Pages:
    def __init__(self, client: _Client, operation: str) -> None:
        self._client, self._operation = client, operation

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        return iter(self._client.pages(self._operation, arguments))


def _kept(answer: Any) -> Any:
    return {**answer, "payload": answer["payload"].read()} if isinstance(answer, dict) and "payload" in answer else answer


def _fresh(answer: Any) -> Any:
    return {**answer, "payload": io.BytesIO(answer["payload"])} if isinstance(answer, dict) and "payload" in answer else answer
