"""As much of InfluxQL as our adapter speaks, over the stand-in's points; anything else is an error, as InfluxDB's own parser says it.

Not there: sub-queries, regular expressions, other functions, INTO, time zones, SLIMIT, chunked answers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"""\s*('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|-?\d+(?:ms|s)?|[A-Za-z_]\w*|>=|<=|[=<>(),*])""", re.DOTALL)
_KINDS = {bool: "boolean", int: "integer", float: "float", str: "string"}
_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "min": min,
    "max": max,
    "mean": lambda values: sum(values) / len(values),
}

Row = tuple[int, dict[str, str], dict[str, Any]]
Condition = Callable[[Row], bool]


class BadQuery(Exception):
    pass


@dataclass
class Measurement:
    """Points by tags and time in milliseconds; the first value of a field decides its type."""

    points: dict[tuple[tuple[tuple[str, str], ...], int], dict[str, Any]] = field(default_factory=dict)
    types: dict[str, type] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        return [(time, dict(tags), fields) for (tags, time), fields in self.points.items()]


def answer(sql: str, measurements: dict[str, Measurement]) -> list[dict[str, Any]]:
    """The `series` of one result. Raises BadQuery."""
    reader = _Reader(sql)
    if reader.take("SHOW"):
        for word in ("FIELD", "KEYS", "FROM"):
            reader.want(word)
        name = reader.identifier()
        types = measurements.get(name, Measurement()).types
        rows = [[key, _KINDS[kind]] for key, kind in sorted(types.items())]
        return [{"name": name, "columns": ["fieldKey", "fieldType"], "values": rows}] if rows else []
    return _select(reader, measurements)


def _select(reader: "_Reader", measurements: dict[str, Measurement]) -> list[dict[str, Any]]:
    reader.want("SELECT")
    items = reader.items()
    reader.want("FROM")
    name = reader.identifier()
    where = reader.condition() if reader.take("WHERE") else lambda row: True
    width, tags = reader.grouping()
    descending = False
    if reader.take("ORDER"):
        reader.want("BY")
        reader.want("time")
        descending = reader.one_of("ASC", "DESC") == "DESC"
    limit = int(reader.next()) if reader.take("LIMIT") else None
    reader.end()
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in measurements.get(name, Measurement()).rows():
        if where(row):
            groups.setdefault(tuple(row[1].get(tag, "") for tag in tags), []).append(row)
    series = []
    for key, rows in sorted(groups.items()):
        rows.sort(key=lambda row: row[0], reverse=descending)
        columns, values = _aggregated(items, rows, width) if items and items[0][0] else _plain(items, rows)
        if values:
            series.append({"name": name, "tags": dict(zip(tags, key, strict=True)), "columns": columns, "values": values[:limit]})
    return series


def _plain(items: list[tuple[str, str, str]], rows: list[Row]) -> tuple[list[str], list[list[Any]]]:
    """InfluxDB leaves out rows in which none of the fields that were asked for has a value."""
    names = [source for _, source, _ in items] or sorted({name for _, _, fields in rows for name in fields})
    values = [[time, *(fields.get(name) for name in names)] for time, _, fields in rows]
    return ["time", *names], [line for line in values if any(value is not None for value in line[1:])]


def _aggregated(items: list[tuple[str, str, str]], rows: list[Row], width: int | None) -> tuple[list[str], list[list[Any]]]:
    windows: dict[int, list[Row]] = {}
    for row in rows:
        windows.setdefault(row[0] - row[0] % width if width else 0, []).append(row)
    values = []
    for start, members in sorted(windows.items()):
        line: list[Any] = [start]
        for function, source, _ in items:
            found = [fields[source] for _, _, fields in members if fields.get(source) is not None]
            if any(isinstance(one, str | bool) for one in found) and function != "count":
                raise BadQuery(f"unsupported {function} iterator type")
            line.append(_AGGREGATES[function](found) if found else None)
        values += [line] if any(value is not None for value in line[1:]) else []
    return ["time", *(label for _, _, label in items)], values


class _Reader:
    def __init__(self, sql: str) -> None:
        self._tokens: list[str] = []
        place = 0
        while place < len(sql.rstrip()):
            match = _TOKEN.match(sql, place)
            if match is None:
                raise BadQuery(f"error parsing query: found {sql[place : place + 12]!r}")
            self._tokens.append(match[1])
            place = match.end()

    def peek(self) -> str:
        return self._tokens[0] if self._tokens else "EOF"

    def next(self) -> str:
        if not self._tokens:
            raise BadQuery("error parsing query: found EOF")
        return self._tokens.pop(0)

    def take(self, word: str) -> bool:
        found = self.peek().upper() == word.upper()
        if found:
            self._tokens.pop(0)
        return found

    def want(self, word: str) -> None:
        if not self.take(word):
            raise BadQuery(f"error parsing query: found {self.peek()}, expected {word}")

    def one_of(self, *words: str) -> str:
        found = self.next().upper()
        if found not in words:
            raise BadQuery(f"error parsing query: found {found}, expected {', '.join(words)}")
        return found

    def end(self) -> None:
        if self._tokens:
            raise BadQuery(f"error parsing query: found {self.peek()}, expected ; or EOF")

    def identifier(self) -> str:
        token = self.next()
        if not token.startswith('"'):
            raise BadQuery(f"error parsing query: found {token}, expected identifier")
        return re.sub(r"\\(.)", r"\1", token[1:-1])

    def items(self) -> list[tuple[str, str, str]]:
        """Function, field and label of each column; none for ``*``."""
        if self.take("*"):
            return []
        found = []
        while True:
            function = "" if self.peek().startswith('"') else self.next().lower()
            if function:
                if function not in _AGGREGATES:
                    raise BadQuery(f"undefined function {function}()")
                self.want("(")
            source = self.identifier()
            if function:
                self.want(")")
            found.append((function, source, self.identifier() if self.take("AS") else source))
            if not self.take(","):
                return found

    def condition(self) -> Condition:
        left = self._all()
        while self.take("OR"):
            left = _either(left, self._all())
        return left

    def _all(self) -> Condition:
        left = self._term()
        while self.take("AND"):
            left = _both(left, self._term())
        return left

    def _term(self) -> Condition:
        if self.take("("):
            inner = self.condition()
            self.want(")")
            return inner
        if self.take("time"):
            sign, bound = self.next(), self._milliseconds(self.next())
            if sign not in (">=", "<"):
                raise BadQuery(f"error parsing query: {sign} of a time is not in this stand-in")
            return (lambda row: row[0] >= bound) if sign == ">=" else (lambda row: row[0] < bound)
        tag = self.identifier()
        self.want("=")
        quoted = self.next()
        if not quoted.startswith("'"):
            raise BadQuery("error parsing query: a tag is compared with a 'text'")
        text = re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), quoted[1:-1])
        return lambda row: row[1].get(tag) == text

    def grouping(self) -> tuple[int | None, list[str]]:
        width, tags = None, []
        if self.take("GROUP"):
            self.want("BY")
            while True:
                if self.take("time"):
                    self.want("(")
                    width = self._milliseconds(self.next())
                    self.want(")")
                else:
                    tags.append(self.identifier())
                if not self.take(","):
                    break
        if self.take("fill"):
            for word in ("(", "none", ")"):
                self.want(word)
        elif width:
            raise BadQuery("error parsing query: windows without fill(none) are not in this stand-in")
        return width, tags

    def _milliseconds(self, token: str) -> int:
        match = re.fullmatch(r"(-?\d+)(ms|s)", token)
        if match is None:
            raise BadQuery(f"invalid duration {token}")
        return int(match[1]) * (1000 if match[2] == "s" else 1)


def _either(one: Condition, other: Condition) -> Condition:
    return lambda row: one(row) or other(row)


def _both(one: Condition, other: Condition) -> Condition:
    return lambda row: one(row) and other(row)
