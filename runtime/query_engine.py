"""The port to a service that answers SQL where the lake lies; a laptop has none, DuckDB reads the files in process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# A value as text, and None where there is none.
Row = Sequence[str | None]


@dataclass(frozen=True)
class AnswerColumn:
    """`kind` is the engine's word for the type: ``timestamp with time zone``; the digits are those of a decimal."""

    name: str
    kind: str
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True)
class EngineAnswer:
    """`pages` are taken as they are needed, each once."""

    columns: tuple[AnswerColumn, ...]
    pages: Iterator[Sequence[Row]]


class QueryEngine(Protocol):
    def ask(self, text: str, parameters: Sequence[Any] = ()) -> EngineAnswer:
        """The answer to one statement in the engine's own SQL.

        Raises QueryError for what the engine refuses, cancels or ends at its limit, RetryLater where the same may go well later.
        """
        ...
