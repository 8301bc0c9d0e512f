"""Every case of the fault matrix, each with its fault fired; and every boundary as a place to die."""

import contextlib
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from ingestion.worker import BOUNDARIES
from runtime.settings import REPOSITORY
from tests.faults.cases import Case, cases
from tests.faults.run import Lane, lane, run

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    with lane(tmp_path_factory.mktemp("faults")) as made:
        yield made


# Every sixth case here, every case of a death, an end and a clock; the whole by `python -m tests.faults`.
def _chosen() -> list[Case]:
    return [case for number, case in enumerate(cases()) if number % 6 == 0 or case.boundary or case.ends or case.clock != "right"]


@pytest.mark.parametrize("case", _chosen(), ids=lambda case: case.name)
def test_the_law_holds(case: Case, shared: Lane) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        outcome = run(case, shared)
    assert outcome.wrong(case) == []
    assert outcome.finding.visible + outcome.finding.quarantined == outcome.finding.sent == case.messages * 3


def test_the_matrix_has_at_least_144_cases_and_each_boundary_three_deaths() -> None:
    names = [case.name for case in cases()]
    assert len(names) == len(set(names)) >= 144
    deaths = Counter(case.boundary for case in cases() if case.boundary)
    assert all(deaths[boundary] >= 3 for boundary in BOUNDARIES)


def test_a_command_lists_the_cases() -> None:
    command = [sys.executable, "-m", "tests.faults", "--list"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    assert listed == [case.name for case in cases()]
