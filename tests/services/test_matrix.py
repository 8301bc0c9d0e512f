"""The matrix is whole, and every router's operation is in it."""

from collections import Counter

from runtime.platforms import current_platform
from runtime.settings import Settings
from services.composition import Services
from tests.services.matrix import RELATIONS, ROLES, application, existing_parts, fits, operations, rows


def test_every_operation_has_a_row_for_every_role() -> None:
    app = application(Services(current_platform(Settings())), existing_parts())
    written = Counter((row.operation, row.role) for row in rows())
    assert set(written.values()) == {1}
    missing = [(operation, role) for operation in operations(app) for role in ROLES if (operation, role) not in written]
    assert missing == []


def test_every_row_names_a_status_for_every_relation() -> None:
    known = {"200", "201", "204", "2xx", "401", "403", "404", "409"}
    for row in rows():
        assert row.role in ROLES
        assert tuple(row.expected) == RELATIONS
        assert set(row.expected.values()) <= known, row


def test_without_a_token_nothing_is_reached_but_what_is_open() -> None:
    is_open = {row.operation for row in rows() if row.role == "none" and set(row.expected.values()) != {"401"}}
    assert is_open == {
        "GET /health",
        "POST /auth/sign-up",
        "POST /auth/confirm",
        "POST /auth/resend",
        "POST /auth/login",
        "POST /auth/challenge",
        "POST /auth/refresh",
        "POST /auth/password/forgot",
        "POST /auth/password/reset",
    }


def test_a_foreign_device_and_a_missing_one_are_refused_alike() -> None:
    differing = {(row.operation, row.role) for row in rows() if row.expected["foreign"] != row.expected["missing"] and row.role != "admin"}
    # An id that another has is taken: AWS says so too.
    assert differing == {("POST /api/v1/devices", "operator")}


def test_any_success_is_a_success() -> None:
    assert [fits(status, "2xx") for status in (200, 204, 299, 199, 300, 404)] == [True, True, True, False, False, False]
    assert [fits(status, "404") for status in (404, 403)] == [True, False]
