"""How much a worker holds: no more than its bounds, and not far ahead of what it writes."""

from ingestion.hand import Hand
from runtime.sqs import Message

PLENTY = 10_000


def ten() -> list[Message]:
    return [Message(f"m-{number}", "{}") for number in range(10)]


def received(hand: Hand) -> bool:
    """One receive call that brings ten; False where the hand has none begin."""
    begun = hand.begin_call(0)
    if begun:
        hand.end_call(ten())
    return begun


def test_no_more_is_received_than_all_calls_bring_at_once_until_it_is_taken() -> None:
    hand = Hand(PLENTY, PLENTY * 1_000_000, calls=2)
    assert [received(hand) for _ in range(3)] == [True, True, False]
    hand.take(10, batch=10)
    assert [received(hand) for _ in range(2)] == [True, False]


def test_calls_that_are_under_way_count_as_what_they_may_bring() -> None:
    hand = Hand(PLENTY, PLENTY * 1_000_000, calls=2)
    assert [hand.begin_call(0) for _ in range(3)] == [True, True, False]


def test_as_much_as_the_batch_in_hand_may_be_received_ahead() -> None:
    hand = Hand(PLENTY, PLENTY * 1_000_000, calls=1)
    assert received(hand)
    hand.take(10, batch=40)
    assert [received(hand) for _ in range(5)] == [True, True, True, True, False]


def test_a_hand_that_is_ahead_is_not_full_so_that_its_batch_goes_on_to_grow() -> None:
    hand = Hand(PLENTY, PLENTY * 1_000_000, calls=1)
    assert received(hand)
    assert not received(hand)
    assert not hand.is_full
