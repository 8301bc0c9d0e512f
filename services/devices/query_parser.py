"""Parses the subset of AWS IoT's fleet-index query syntax that the devices' search answers.

    attributes.site:hall-3                    a field's value; without regard to case
    attributes.model:"CFM56 7B"               a phrase: nothing in it is special but \\ and "
    thingName:engine-*   attributes.a:v?      * any characters, ? one; a term that begins with one is allowed once in a query
    CFM56                                     any field of the device
    shadow.reported.rpm > 3000                also >=, <, <=
    attributes.built:[2019 TO 2024}           a range; [ ] include their end, { } do not; * leaves an end open
    a:1 b:2   a:1 AND b:2   a:1 OR b:2        AND is the default and binds more than OR
    NOT a:1   -a:1   (a:1 OR b:2)             not, and groups
    a:(x OR y)                                a group of values of one field

Seven terms at most, as AWS's limits have it (newer pages of AWS say twelve), 1,000 characters (100 with a leading wildcard). Operators are in
capitals. ``\\`` before any character takes its meaning away. Not in the subset, and refused by name: regular expressions, boosting, fuzzy and
proximity search, geographical queries, and Lucene's + ! && ||.
"""

import re
from collections.abc import Mapping
from typing import NoReturn

from services.devices import query_fields, query_unsupported
from services.devices.query_tree import And, Compare, Comparison, Match, Node, Not, Or, Within
from services.problems import Invalid

MOST_TERMS = 7
LONGEST, LONGEST_WITH_LEADING_WILDCARD = 1_000, 100
# A query of the longest length cannot be nested deeper than Python's stack; this is to answer it with a sentence.
DEPTH = 20


_SPECIAL = frozenset('()[]{}"<>')
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.,@/#$-]*(?=\s*(?::|[<>]))")
_OPERATORS = ("AND", "OR", "NOT")


def parse(query: str, terms: int = MOST_TERMS) -> Node:
    """Raises Invalid (InvalidQueryException), whose ``position`` is that of the first character that is wrong, from 0."""
    if len(query) > LONGEST:
        fail(f"it has {len(query)} characters; {LONGEST} are taken", LONGEST)
    parser = _Parser(query, terms)
    parsed = parser.any_of(0)
    if not parser.is_at_end():
        fail("there is a ) that was not opened" if parser.next() == ")" else f"{parser.next()!r} is not expected here", parser.place)
    if parser.leading and len(query) > LONGEST_WITH_LEADING_WILDCARD:
        words = f"it has {len(query)} characters; with a term that begins with a wildcard {LONGEST_WITH_LEADING_WILDCARD} are taken"
        fail(words, LONGEST_WITH_LEADING_WILDCARD)
    return parsed


def fail(why: str, position: int) -> NoReturn:
    raise Invalid(f"query, character {position + 1}: {why}", code="InvalidQueryException", more={"position": position})


class _Parser:
    def __init__(self, text: str, terms: int) -> None:
        self.text = text
        self.place = 0
        self.leading = 0
        self._terms_left = self._terms = terms

    def is_at_end(self) -> bool:
        self._skip()
        return self.place == len(self.text)

    def next(self) -> str:
        return self.text[self.place : self.place + 1]

    def any_of(self, depth: int, field: str = "") -> Node:
        if depth > DEPTH:
            fail(f"it is nested more than {DEPTH} deep", self.place)
        found = [self._all_of(depth, field)]
        while self._takes_word("OR"):
            found.append(self._all_of(depth, field))
        return found[0] if len(found) == 1 else Or(tuple(found))

    def _all_of(self, depth: int, field: str) -> Node:
        found = [self._one(depth, field)]
        # Two terms side by side are joined by AND as well.
        while self._takes_word("AND") or not (self.is_at_end() or self.next() == ")" or self._is_word("OR")):
            found.append(self._one(depth, field))
        return found[0] if len(found) == 1 else And(tuple(found))

    def _one(self, depth: int, field: str) -> Node:
        if depth > DEPTH:
            fail(f"it is nested more than {DEPTH} deep", self.place)
        self._skip()
        if self._is_word("AND") or self._is_word("OR"):
            fail(f"there is nothing before {'AND' if self._is_word('AND') else 'OR'}", self.place)
        if self._takes_word("NOT") or self._takes("-"):
            return Not(self._one(depth + 1, field))
        if self._takes("("):
            return self._group(depth, field)
        return self._term(depth, field)

    def _group(self, depth: int, field: str) -> Node:
        opened = self.place - 1
        inner = self.any_of(depth + 1, field)
        self._skip()
        if not self._takes(")"):
            fail("the ( is not closed", opened)
        return inner

    def _term(self, depth: int, field: str) -> Node:
        if (found := _FIELD.match(self.text, self.place)) and found[0] not in _OPERATORS:
            if field:
                fail(f"a field within the group of {field}: values alone stand there", self.place)
            if not query_fields.is_known(found[0]):
                fail(f"there is no field {found[0][:60]}; {query_fields.WORDS}; before a : that belongs to a value put \\", self.place)
            self.place = found.end()
            self._skip()
            return self._of_field(depth, found[0])
        return self._value(field)

    def _of_field(self, depth: int, field: str) -> Node:
        if self._takes(":"):
            self._skip()
            if self._takes("("):
                return self._group(depth, field)
            # AWS also writes attributes.price:>75.
            return self._comparison(field) or self._value(field)
        compared = self._comparison(field)
        assert compared is not None
        return compared

    def _comparison(self, field: str) -> Node | None:
        for how in (Comparison.MORE_OR_EQUAL, Comparison.LESS_OR_EQUAL, Comparison.MORE, Comparison.LESS):
            if self._takes(how):
                self._skip()
                self._count()
                return Compare(field, how, self._plain(field, "a value to compare with"))
        return None

    def _value(self, field: str) -> Node:
        self._count()
        if self.next() in ("[", "{"):
            return self._range(field)
        begun = self.place
        parts = self._quoted() if self.next() == '"' else self._bare()
        # * alone is no search: it asks whether there is a value at all.
        if not isinstance(parts[0], str) and parts != (None,):
            self.leading += 1
            if self.leading > 1:
                fail("a second term that begins with a wildcard; one is taken", begun)
        return Match(field, parts)

    def _range(self, field: str) -> Node:
        opened = self.place
        includes_low = self.next() == "["
        if not field:
            fail("a range of no field; put field: before it", opened)
        self.place += 1
        low = self._end(field)
        if not self._takes_word("TO"):
            fail("a range is written [low TO high]", self.place)
        high = self._end(field)
        self._skip()
        if self.next() not in ("]", "}"):
            fail("the range is not closed by ] or }", opened)
        includes_high = self.next() == "]"
        self.place += 1
        return Within(field, low, high, includes_low, includes_high)

    def _end(self, field: str) -> str | None:
        self._skip()
        if self.next() == "*":
            self.place += 1
            return None
        return self._plain(field, "an end of the range")

    def _plain(self, field: str, what: str) -> str:
        """A value in which there are no wildcards."""
        self._skip()
        begun = self.place
        parts = self._quoted() if self.next() == '"' else self._bare()
        if any(not isinstance(part, str) for part in parts):
            fail(f"{what} has no wildcards", begun)
        value = "".join(part for part in parts if isinstance(part, str))
        if field == query_fields.LAST_SEEN and query_fields.epoch_ms(value) is None:
            fail(f"{what} of {field} is a time such as 2026-11-28T12:00:00Z, or milliseconds since 1970", begun)
        return value

    def _quoted(self) -> tuple[str | bool | None, ...]:
        opened = self.place
        self.place += 1
        taken = ""
        while self.next() != '"':
            if not self.next():
                fail('the " is not closed', opened)
            taken += self._character()
        self.place += 1
        return (taken,)

    def _bare(self) -> tuple[str | bool | None, ...]:
        parts: list[str | bool | None] = []
        self._check_supported(query_unsupported.BEGINNINGS)
        while self.next() and not self.next().isspace() and self.next() not in _SPECIAL:
            self._check_supported(query_unsupported.WITHIN)
            if self.next() in "*?":
                parts.append(True if self.next() == "?" else None)
                self.place += 1
            elif parts and isinstance(parts[-1], str):
                parts[-1] += self._character()
            else:
                parts.append(self._character())
        if not parts:
            fail(f"a value is expected, not {self.next()!r}" if self.next() else "a value is expected where it ends", self.place)
        return tuple(parts)

    def _check_supported(self, syntax: Mapping[str, str]) -> None:
        if what := query_unsupported.found(syntax, self.text, self.place):
            fail(what, self.place)

    def _character(self) -> str:
        if self.next() == "\\":
            self.place += 1
            if not self.next():
                fail("the \\ has nothing behind it", self.place - 1)
        self.place += 1
        return self.text[self.place - 1]

    def _count(self) -> None:
        self._terms_left -= 1
        if self._terms_left < 0:
            fail(f"it has more than {self._terms} terms", self.place)

    def _skip(self) -> None:
        while self.next().isspace():
            self.place += 1

    def _takes(self, text: str) -> bool:
        if not self.text.startswith(text, self.place):
            return False
        self.place += len(text)
        return True

    def _is_word(self, word: str) -> bool:
        self._skip()
        end = self.place + len(word)
        return self.text.startswith(word, self.place) and (end == len(self.text) or self.text[end].isspace() or self.text[end] in "()")

    def _takes_word(self, word: str) -> bool:
        is_there = self._is_word(word)
        self.place += len(word) if is_there else 0
        return is_there
