"""The benchmark of queries asks all three ways the same, in small."""

import os

import pytest

from benchmarks.query import QUESTIONS, measure

pytestmark = pytest.mark.long


def test_each_way_gives_the_same_answers_before_it_is_timed() -> None:
    cores = os.sched_getaffinity(0)
    try:
        found = measure(rows=300_000, rounds=1)
    finally:
        # It pins the process.
        os.sched_setaffinity(0, cores)
    assert [(cost.rows, cost.question) for cost in found] == [(rows, each) for rows in (3_000, 30_000, 300_000) for each in QUESTIONS]
    assert all(cost.ours > 0 for cost in found)
