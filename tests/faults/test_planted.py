"""Seven bugs, planted one by one: the matrix says which law each breaks. Without them the same cases hold."""

from pathlib import Path

import pytest

from tests.faults.planted import BUGS, Bug, suspects

pytestmark = pytest.mark.long


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Bug, tmp_path: Path) -> None:
    done = suspects(bug, tmp_path)
    assert (done.returncode, bug.says in done.stderr) == (1, True), done.stderr


def test_the_same_copy_without_a_bug_passes(tmp_path: Path) -> None:
    whole = Bug("none", BUGS[0].file, (), tuple(sorted({name for bug in BUGS for name in bug.cases})), "")
    done = suspects(whole, tmp_path, planted=False)
    assert done.returncode == 0, done.stderr
