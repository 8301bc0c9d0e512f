"""The rules of access: each by hand, and what holds of any grants and denials."""

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.auth.grants import Denial, Grant, Scope, ScopeKind, decide
from services.identity import Caller, DeviceFacts, Right, Role
from tests.services.auth.site import NOW

ENGINE = DeviceFacts("engine-7", owner="owner", groups=frozenset({"hall-3"}), tags=frozenset({"site=bremen"}))
PUMP = DeviceFacts("pump-1", owner="")
DEVICE, GROUP, TAG = Scope(ScopeKind.DEVICE, "engine-7"), Scope(ScopeKind.GROUP, "hall-3"), Scope(ScopeKind.TAG, "site=bremen")
ALL = frozenset(Right)
READ = frozenset({Right.READ})


def caller(role: Role, user_id: str = "anna", name: str = "anna") -> Caller:
    return Caller(user_id, name, role, "token", NOW)


def grant(scope: Scope = DEVICE, rights: frozenset[Right] = ALL, until: datetime | None = None) -> Grant:
    return Grant("g1", "anna", scope, rights, until, "root", NOW)


def denial(scope: Scope = DEVICE, rights: frozenset[Right] = ALL) -> Denial:
    return Denial("d1", "anna", scope, rights, "root", NOW)


def rights(who: Caller, device: DeviceFacts, grants: list[Grant], denials: list[Denial]) -> str:
    """The initials of what is allowed."""
    return "".join(right[0] for right in Right if decide(who, right, device, grants, denials, NOW).is_allowed)


@pytest.mark.parametrize(
    ("who", "device", "grants", "denials", "allowed"),
    [
        (caller(Role.ADMIN), ENGINE, [], [], "rwcu"),
        (caller(Role.ADMIN), ENGINE, [], [denial()], "rwcu"),
        (caller(Role.OPERATOR, "owner"), ENGINE, [], [], "rwcu"),
        (caller(Role.OPERATOR, "owner"), ENGINE, [], [denial()], ""),
        (caller(Role.OPERATOR, "owner"), ENGINE, [], [denial(rights=READ)], ""),
        (caller(Role.OPERATOR, "owner"), ENGINE, [], [denial(rights=frozenset({Right.UPDATE}))], "rwc"),
        (caller(Role.OPERATOR), ENGINE, [], [], ""),
        (caller(Role.OPERATOR), ENGINE, [grant()], [], "rwcu"),
        (caller(Role.OPERATOR), ENGINE, [grant(rights=READ)], [], "r"),
        (caller(Role.OPERATOR), ENGINE, [grant(rights=ALL - READ)], [], ""),
        (caller(Role.OPERATOR), ENGINE, [grant(GROUP)], [], "rwcu"),
        (caller(Role.OPERATOR), ENGINE, [grant(TAG)], [], "rwcu"),
        (caller(Role.OPERATOR), PUMP, [grant(), grant(GROUP), grant(TAG)], [denial()], ""),
        (caller(Role.OPERATOR), ENGINE, [grant()], [denial(GROUP)], ""),
        (caller(Role.OPERATOR), ENGINE, [grant(GROUP), grant(TAG)], [denial(TAG, READ)], ""),
        (caller(Role.OPERATOR), ENGINE, [grant()], [denial(Scope(ScopeKind.DEVICE, "pump-1"))], "rwcu"),
        (caller(Role.OPERATOR), ENGINE, [grant(until=NOW)], [], ""),
        (caller(Role.OPERATOR), ENGINE, [grant(until=NOW + timedelta(seconds=1))], [], "rwcu"),
        (caller(Role.OPERATOR), ENGINE, [grant(until=NOW), grant(rights=READ)], [], "r"),
        (caller(Role.VIEWER), ENGINE, [grant()], [], "r"),
        (caller(Role.VIEWER), ENGINE, [], [], ""),
        (caller(Role.VIEWER, "owner"), ENGINE, [], [], "r"),
        (caller(Role.VIEWER), ENGINE, [grant()], [denial(rights=READ)], ""),
        (caller(Role.DEVICE, "anna", "engine-7"), ENGINE, [], [], "rw"),
        (caller(Role.DEVICE, "anna", "engine-7"), PUMP, [grant(Scope(ScopeKind.DEVICE, "pump-1"))], [], ""),
        (caller(Role.DEVICE, "owner", "pump-1"), ENGINE, [], [], ""),
        (caller(Role.DEVICE, "anna", "engine-7"), ENGINE, [], [denial(rights=frozenset({Right.WRITE}))], "r"),
        # Nobody owns what has no owner.
        (caller(Role.OPERATOR, ""), PUMP, [], [], ""),
    ],
)
def test_who_may_what(who: Caller, device: DeviceFacts, grants: list[Grant], denials: list[Denial], allowed: str) -> None:
    assert rights(who, device, grants, denials) == allowed


@pytest.mark.parametrize(
    ("who", "right", "grants", "denials", "reason", "by"),
    [
        (caller(Role.ADMIN), Right.WRITE, [], [], "administrators may do everything", "role:admin"),
        (caller(Role.OPERATOR, "owner"), Right.WRITE, [], [], "the device is the user's own", "own"),
        (caller(Role.OPERATOR), Right.WRITE, [], [], "nothing grants write", ""),
        (caller(Role.OPERATOR), Right.WRITE, [grant()], [], "write is granted for device engine-7", "grant:g1"),
        (
            caller(Role.OPERATOR),
            Right.READ,
            [grant(until=datetime.fromisoformat("2026-11-29T00:00:00Z"))],
            [],
            "read is granted for device engine-7 until 2026-11-29T00:00:00Z",
            "grant:g1",
        ),
        (
            caller(Role.OPERATOR),
            Right.READ,
            [grant(until=NOW)],
            [],
            "the grant of read for device engine-7 expired at 2026-11-28T12:00:00Z",
            "grant:g1",
        ),
        (
            caller(Role.OPERATOR),
            Right.READ,
            [grant()],
            [denial(GROUP)],
            "read is denied for group hall-3 since 2026-11-28T12:00:00Z",
            "denial:d1",
        ),
        (
            caller(Role.VIEWER),
            Right.WRITE,
            [grant()],
            [],
            "write is granted, and the role viewer may only read; give the role operator",
            "role:viewer",
        ),
        (caller(Role.OPERATOR), Right.WRITE, [grant(rights=ALL - READ)], [], "write needs read as well: nothing grants read", ""),
        (
            caller(Role.DEVICE, name="engine-7"),
            Right.COMMAND,
            [],
            [],
            "a device has no right to command, not even to itself",
            "role:device",
        ),
        (caller(Role.DEVICE, name="pump-1"), Right.READ, [grant()], [], "a device may reach itself alone", "role:device"),
    ],
)
def test_a_decision_says_why(who: Caller, right: Right, grants: list[Grant], denials: list[Denial], reason: str, by: str) -> None:
    decision = decide(who, right, ENGINE, grants, denials, NOW)
    assert (decision.reason, decision.by) == (reason, by)


SCOPES = st.sampled_from([DEVICE, GROUP, TAG, Scope(ScopeKind.DEVICE, "pump-1"), Scope(ScopeKind.GROUP, "hall-4")])
RIGHTS = st.frozensets(st.sampled_from(Right), min_size=1)
UNTIL = st.sampled_from([None, NOW - timedelta(seconds=1), NOW, NOW + timedelta(seconds=1)])
GRANTS = st.lists(st.builds(grant, SCOPES, RIGHTS, UNTIL), max_size=5)
DENIALS = st.lists(st.builds(denial, SCOPES, RIGHTS), max_size=3)
CALLERS = st.builds(
    caller,
    st.sampled_from([Role.OPERATOR, Role.VIEWER, Role.DEVICE]),
    st.sampled_from(["anna", "owner"]),
    st.sampled_from(["anna", "engine-7"]),
)


@given(CALLERS, GRANTS, DENIALS, SCOPES.filter(lambda scope: scope.covers(ENGINE)), RIGHTS)
def test_no_grant_outweighs_a_denial(
    who: Caller, grants: list[Grant], denials: list[Denial], scope: Scope, denied: frozenset[Right]
) -> None:
    left = rights(who, ENGINE, grants, [*denials, denial(scope, denied)])
    assert not set(left) & {right[0] for right in denied}


@given(CALLERS, GRANTS, DENIALS, st.randoms())
def test_the_order_of_rules_changes_nothing(who: Caller, grants: list[Grant], denials: list[Denial], rng: random.Random) -> None:
    before = rights(who, ENGINE, grants, denials)
    shuffled = rng.sample(grants, len(grants)), rng.sample(denials, len(denials))
    assert rights(who, ENGINE, *shuffled) == before


@given(CALLERS, GRANTS, DENIALS)
def test_what_has_expired_is_as_what_was_never_granted(who: Caller, grants: list[Grant], denials: list[Denial]) -> None:
    live = [each for each in grants if each.expires_at is None or each.expires_at > NOW]
    assert rights(who, ENGINE, grants, denials) == rights(who, ENGINE, live, denials)


@given(CALLERS, GRANTS, DENIALS)
def test_without_read_there_is_nothing(who: Caller, grants: list[Grant], denials: list[Denial]) -> None:
    allowed = rights(who, ENGINE, grants, denials)
    assert allowed == "" or allowed[0] == "r"
    if who.role is Role.VIEWER:
        assert allowed in ("", "r")
