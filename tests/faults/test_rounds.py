"""Rounds that are kept count for the very code and seed that ended them; the fault of a proof is held to its share."""

from pathlib import Path

import pytest

from tests.proofs._rounds import Rounds
from tests.proofs.delivery import check_storage_errors


def code_in(root: Path, text: str) -> tuple[str, ...]:
    (root / "code" / "deep").mkdir(parents=True, exist_ok=True)
    (root / "code" / "deep" / "one.py").write_text(text)
    return ("code",)


def test_a_round_that_was_broken_off_goes_on_and_one_of_other_code_or_seed_does_not(tmp_path: Path) -> None:
    code = code_in(tmp_path, "a = 1")
    Rounds("x", code, 4, tmp_path).keep(3, {"sent": 7})
    assert Rounds("x", code, 4, tmp_path).done() == {3: {"sent": 7}}
    assert Rounds("x", code, 5, tmp_path).done() == {}
    code_in(tmp_path, "a = 2")
    assert Rounds("x", code, 4, tmp_path).done() == {}
    code_in(tmp_path, "a = 1")
    Rounds("x", code, 4, tmp_path).forget()
    assert Rounds("x", code, 4, tmp_path).done() == {}


def test_storage_errors_are_about_one_in_twenty() -> None:
    check_storage_errors(50, 1000)
    for errors in (29, 71):
        with pytest.raises(AssertionError, match="of 1000 puts failed"):
            check_storage_errors(errors, 1000)
