"""Choosing a port: two laptop's clouds that start at once do not choose the same."""

from local.ports import claim, free_port, listening_socket


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
