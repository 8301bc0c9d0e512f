"""The race tells a counter that loses, doubles or skips from one that does not."""

from threading import Lock

import pytest

from tests.fleet.shadow.writers import check, race, turns


class Versions:
    """A counter that is exact, but for `step` at the `odd` update."""

    def __init__(self, odd: int = 0, step: int = 1) -> None:
        self._lock, self._version, self._updates, self._odd, self._step = Lock(), 0, 0, odd, step

    def update(self, writer: int, number: int) -> int:
        with self._lock:
            self._updates += 1
            self._version += self._step if self._updates == self._odd else 1
            return self._version


def test_exact_versions_are_counted() -> None:
    counts = race(Versions().update, 8, 50)
    assert (counts["writers"], counts["updates"], counts["versions"]) == (8, 400, 400)


@pytest.mark.parametrize(
    ("versions", "wrong"),
    [
        (Versions(odd=200, step=0), "1 versions were given to two updates, the first is 199"),
        (Versions(odd=200, step=2), "1 versions up to 400 were given to no update, the first is 200"),
        (Versions(odd=1, step=0), "1 versions up to 400 were given to no update, the first is 400"),
    ],
)
def test_a_version_that_is_lost_or_given_twice_is_told(versions: Versions, wrong: str) -> None:
    with pytest.raises(AssertionError, match=wrong):
        race(versions.update, 8, 50)


def test_a_writer_whose_versions_fall_is_told() -> None:
    with pytest.raises(AssertionError, match="writer 1 do not rise"):
        check([[1, 4], [3, 2]])


def test_writers_that_take_turns_are_told_from_those_that_wait_for_each_other() -> None:
    assert (turns([[1, 3, 5], [2, 4, 6]]), turns([[1, 2, 3], [4, 5, 6]])) == (5, 1)
