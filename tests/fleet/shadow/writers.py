"""Many writers of one shadow at once: every update moves its version by exactly one, and none is lost."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier


def race(update: Callable[[int, int], int], writers: int, updates: int) -> dict[str, int]:
    """Each writer, in a thread of its own, does its `updates` one after the other; `update(writer, number)` does one on a new shadow and returns the version."""
    begin = Barrier(writers)

    def write(writer: int) -> list[int]:
        begin.wait()
        return [update(writer, number) for number in range(updates)]

    with ThreadPoolExecutor(writers) as pool:
        versions = list(pool.map(write, range(writers)))
    check(versions)
    return {"writers": writers, "updates": writers * updates, "versions": max(map(max, versions)), "turns": turns(versions)}


def check(versions: list[list[int]]) -> None:
    """They are the whole numbers from 1 on, each once, and rise for each writer."""
    given = Counter(version for of_writer in versions for version in of_writer)
    twice = sorted(version for version, times in given.items() if times > 1)
    expected = range(1, given.total() + 1)
    lost = sorted(set(expected) - set(given))
    assert not twice, f"{len(twice)} versions were given to two updates, the first is {twice[0]}"
    assert not lost, f"{len(lost)} versions up to {expected[-1]} were given to no update, the first is {lost[0]}"
    for writer, of_writer in enumerate(versions):
        assert all(earlier < later for earlier, later in pairwise(of_writer)), f"the versions of writer {writer} do not rise"


def turns(versions: list[list[int]]) -> int:
    """How often one writer followed another: it tells whether they really wrote at once."""
    writer_of = {version: writer for writer, of_writer in enumerate(versions) for version in of_writer}
    return sum(writer_of[version] != writer_of[version + 1] for version in range(1, len(writer_of)))
