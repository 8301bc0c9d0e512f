"""The random steps tell a model with a planted bug from one without, whatever the bug, and show few steps that do."""

import pytest

from tests.fleet.shadow.duel import Differs, model, play
from tests.fleet.shadow.planted import PLANTED, emulators, orders, requests
from tests.fleet.shadow.reference import Reference
from tests.fleet.shadow.steps import Spot

STEPS = 2_000
CRASHES = (emulators.AVersionOnANewShadowCrashes, requests.AHalfOfAPairIsTaken)


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_each_planted_bug_is_found(bug: type[Reference]) -> None:
    def planted(spot: Spot) -> Reference:
        return bug(spot.thing, spot.name, document_bytes=spot.document_bytes, depth=spot.depth)

    with pytest.raises(Differs) as found:
        play("planted", STEPS, planted)
    # By what it answers, and not because the bug was planted badly.
    assert " raised " not in str(found.value) or bug in CRASHES
    # A shadow's beginning, two steps that matter and the one that shows it are all that any of these needs.
    assert len([line for line in str(found.value).splitlines() if line.startswith(("update", "get", "delete"))]) <= 4


def test_what_emulators_were_seen_to_do_is_planted_and_more() -> None:
    assert len([bug for bug in PLANTED if bug.__module__ == emulators.__name__]) == 12
    assert len([bug for bug in PLANTED if bug.__module__ == orders.__name__]) == 13
    assert len(PLANTED) > 80


def test_a_model_without_a_bug_differs_from_none() -> None:
    counts = play("planted", STEPS, model)
    assert counts.kinds.total() == STEPS
    assert counts.missing() == {}
