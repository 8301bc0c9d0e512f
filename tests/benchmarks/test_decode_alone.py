"""Lengths are measured side by side, each against the longest at the same moments."""

import pytest

from benchmarks.decode_alone import lengths

pytestmark = pytest.mark.long


def test_each_length_stands_beside_the_longest_in_the_same_moments() -> None:
    short, middle, whole = lengths(3, short=1, middle=2, readings=500, warm=500)
    assert [length.readings for length in (short, middle, whole)] == [500, 1_000, 1_500]
    assert list(middle.of_the_longest) == list(whole.batches)
    assert list(short.of_the_longest) == list(whole.batches)[::2]
    assert list(short.batches) == list(middle.batches)[::2]
    assert all(length.mean > 0 and length.megabytes > 0 for length in (short, middle, whole))
