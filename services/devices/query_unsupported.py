"""Syntax of AWS IoT's fleet index, and of Lucene's, that the devices' search does not answer: as text it would only not be found."""

from collections.abc import Mapping

# What such syntax begins a value with, and what it has within or behind one.
BEGINNINGS = {
    "/": "a regular expression (/…/)",
    "+": "+ before a term",
    "!": "! for NOT",
    "&&": "&& for AND",
    "||": "|| for OR",
    "geo_distance,": "search by distance (geo_distance)",
}
WITHIN = {"^": "a weight (^)", "~": "fuzzy and proximity search (~)"}


def found(syntax: Mapping[str, str], text: str, place: int) -> str:
    """A sentence about what stands at `place` of a query's text; "" where that is a value."""
    what = next((what for sign, what in syntax.items() if text.startswith(sign, place)), "")
    return what and f'{what} is not supported; where it is a part of the value, put it in "" or \\ before it'
