"""Optimistic versions over HTTP: a device's ETag is its version, and what changes it names the version that it has seen."""

import re

from services.problems import ApiError, Invalid, Stale

_TAG = re.compile(r'\s*(W/)?"([^"]*)"\s*(?:,|$)')


class Required(ApiError):
    """RFC 6585, section 3: a server may ask for conditional requests, so that nobody overwrites what they have not seen."""

    status, code = 428, "PreconditionRequired"


def etag(version: int) -> str:
    return f'"{version}"'


def check(if_match: str | None, device_id: str, version: int) -> None:
    """Raises Required without If-Match, and Stale where it names other versions alone.

    As RFC 9110, section 13.1.1: ``*`` is any version, a weak tag matches none. AWS's ``expectedVersion`` may be left out; this may not.
    """
    if if_match is None:
        raise Required(f'device {device_id}: send If-Match with the ETag that you have seen, such as "{version}", or * for any')
    if if_match.strip() != "*" and etag(version) not in _strong_tags(if_match):
        raise Stale(f"device {device_id}: If-Match is {if_match[:60]}, the current version is {version}; read it again")


def _strong_tags(if_match: str) -> set[str]:
    tags, place = set(), 0
    while place < len(if_match):
        found = _TAG.match(if_match, place)
        if not found:
            raise Invalid(f'If-Match {if_match[:60]!r} is no list of entity tags, such as "3"')
        if not found[1]:
            tags.add(f'"{found[2]}"')
        place = found.end()
    return tags
