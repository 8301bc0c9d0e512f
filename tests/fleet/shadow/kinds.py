"""Every kind of step, and the codes that AWS's semantics allow as its answer, written by hand: the model is held to it too."""

from tests.fleet.shadow import refused

_TAKEN = frozenset({200})
# Taken, if it does not make the document too large.
_MERGED = frozenset({200, 413})
_WRONG = frozenset({400})
_CONFLICT = frozenset({409})
_ASKED = frozenset({200, 404})
_CODES = {"not UTF-8": frozenset({415})}
_AS_NEW = {f"right version, {standing}": _MERGED for standing in ("new", "deleted", "there")}

_VERSIONS = _AS_NEW | {
    "wrong version, new": _WRONG,
    "wrong version, deleted": _CONFLICT,
    "wrong version, there": _CONFLICT,
    **{f"negative version, {standing}": _WRONG for standing in ("new", "deleted", "there")},
    **{f"version is no integer, {standing}": _WRONG for standing in ("new", "deleted", "there")},
    **{f"null for a version, {standing}": _MERGED for standing in ("new", "deleted", "there")},
}

_UPDATES = {
    **dict.fromkeys(("merge", "same again", "look-alike", "reported follows desired", "section null", "section empty"), _MERGED),
    **dict.fromkeys(("state null", "state empty", "size one below the limit", "size at the limit"), _TAKEN),
    "size one above the limit": frozenset({413}),
    "numbers spelled": _MERGED,
    **{f"{depth} {words} the deepest": _MERGED for depth in ("depth", "depth in arrays") for words in ("one above", "at")},
    **{f"{depth} {words} the deepest": _WRONG for depth in ("depth", "depth in arrays") for words in ("one below", "two below")},
    **dict.fromkeys(("token of 64 bytes", "token is odd", "null for a token", "unknown key beside state"), _MERGED),
    **dict.fromkeys(("token of more than 64 bytes", "token is no text"), _WRONG),
    **dict.fromkeys(("two faults", "three faults"), _WRONG | _CONFLICT),
    **{kind: _CODES.get(kind, _WRONG) for kind in (*refused.BYTES, *refused.DOCUMENTS)},
}

_OTHERS = {
    **dict.fromkeys(
        (*("get", "get with token", "get with null for a token"), *("delete", "delete with token", "delete with null for a token")), _ASKED
    ),
    **{f"{verb} with wrong token": _WRONG for verb in ("get", "delete")},
    **{f"{verb} with {kind}": _CODES.get(kind, _WRONG) for verb in ("get", "delete") for kind in refused.OF_ANY_VERB},
}

ANSWERS = _UPDATES | _VERSIONS | _OTHERS

# How every refusal begins.
MESSAGES = (
    "Invalid JSON",
    "Missing required node: state",
    "State node must be an object",
    "Desired node must be an object",
    "Reported node must be an object",
    "Invalid version",
    "Invalid clientToken",
    "JSON contains too many levels of nesting; maximum is 6",
    "JSON contains too many levels of nesting; maximum is 8",
    "State contains an invalid node: '",
    "No shadow exists with name: engine:",
    "No shadow exists with name: engine-1~config_",
    "No shadow exists with name: pump:",
    "Version conflict",
    "The payload exceeds the maximum size allowed",
    "Unsupported documented encoding; supported encoding is UTF-8",
)
CODES = frozenset(
    (
        *("update 200", "update 400", "update 409", "update 413", "update 415"),
        *(f"{verb} {code}" for verb in ("get", "delete") for code in (200, 400, 404, 415)),
    )
)
