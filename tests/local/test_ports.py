"""Choosing a port: two laptop's clouds that start at once do not choose the same."""

import pytest

from local.ports import claim, free_port, listening_socket
from runtime.errors import SetupError

# Kept for documentation (RFC 5737): no machine has it.
NOBODYS_ADDRESS = "192.0.2.1"


def test_a_port_that_was_chosen_and_not_yet_listened_on_is_not_chosen_again() -> None:
    first, held = free_port("127.0.0.1", 0)
    with held:
        second, other = free_port("127.0.0.1", first)
        other.close()
    assert second != first
    third, again = free_port("127.0.0.1", first)
    again.close()
    assert third == first


def test_a_port_that_somebody_listens_on_is_not_chosen() -> None:
    with listening_socket("127.0.0.1", 0, "a test") as taken:
        port = taken.getsockname()[1]
        found, held = free_port("127.0.0.1", port)
        held.close()
    assert found != port


def test_a_claim_is_held_by_one_alone() -> None:
    port, held = free_port("127.0.0.1", 0)
    assert claim(port) is None
    held.close()
    again = claim(port)
    assert again is not None
    again.close()


def test_an_address_that_this_machine_does_not_have_is_refused_as_an_address() -> None:
    with pytest.raises(SetupError) as caught:
        free_port(NOBODYS_ADDRESS, 8080)
    assert str(caught.value) == (
        "a free port: cannot listen on 192.0.2.1: no network interface of this machine has it; set another FLEETLAKE_BIND_ADDRESS"
    )


def test_a_port_that_is_taken_is_refused_with_what_wanted_it() -> None:
    with listening_socket("127.0.0.1", 0, "a test") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SetupError, match=f"another test: cannot listen on 127.0.0.1:{port}: Address already in use; set another FLEETLAKE_X_PORT"
        ):
            listening_socket("127.0.0.1", port, "another test", "FLEETLAKE_X_PORT")
