"""Which calls of AWS the tests make, compared with those of `infra/used_calls.csv`, from which the roles are granted what they need.

``python -m tests.recorded_calls`` takes what the last run recorded into that file: after a whole run in place of what was there, else
beside it. `how` says who answers the call in tests: the emulator or moto (`run`), or botocore's Stubber where neither can (`stubbed`).
"""

import csv
import os
import shutil
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.handlers
import pytest

from infra.entries import roles_of
from runtime.recorder import EVENT, recorder
from runtime.settings import RECORDED_CALLS, REPOSITORY, recorded_calls

USED_CALLS = REPOSITORY / "infra" / "used_calls.csv"
RUNS = REPOSITORY / "build" / "recorded_calls"
COMMAND = "python -m tests.recorded_calls"
_WHOLE = "whole"
_KEPT_RUNS = 30

# Role, service, operation.
Call = tuple[str, str, str]


class RecordedCalls:
    """A plugin of pytest: in each process it has boto3's clients noted; the one that began the run compares at its end."""

    def __init__(self, config: pytest.Config) -> None:
        # Else a worker of xdist, or tests that a test runs: the folder is that of the run.
        self._leads = recorded_calls() is None
        self._is_whole = is_whole(config)
        self._sentences: list[str] = []
        folder = recorded_calls() or _fresh_folder()
        os.environ[RECORDED_CALLS] = str(folder)
        # Of every session of botocore from now on: clients of moto's tests, and of Airflow's provider, are made by no platform of ours.
        botocore.handlers.BUILTIN_HANDLERS.append((EVENT, recorder(folder)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        folder = recorded_calls()
        if not self._leads or folder is None:
            return
        is_whole = self._is_whole and exitstatus == pytest.ExitCode.OK
        if is_whole:
            (folder / _WHOLE).touch()
        self._sentences = differences(recorded(folder), how_used(), is_whole)
        if self._sentences:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for sentence in self._sentences:
            terminalreporter.write_line(sentence, red=True)


def is_whole(config: pytest.Config) -> bool:
    """Whether a run leaves nothing out: no file, no word and no mark was named."""
    chosen = (config.getoption(name, None) for name in ("keyword", "markexpr", "deselect", "collectonly"))
    return not any(chosen) and config.args_source is pytest.Config.ArgsSource.TESTPATHS


def differences(found: Collection[Call], used: Collection[Call], is_whole: bool) -> list[str]:
    """Sentences about calls that are not in both; only a whole run can miss one of the file's."""
    new = [call for call in sorted(found) if call not in used]
    gone = [call for call in sorted(used) if is_whole and call not in found]
    return [
        *(f"{told(call)}, which {USED_CALLS.name} does not have: `{COMMAND}` writes it anew; then grant it" for call in new),
        *(f"no test any more sees that {told(call)}: `{COMMAND}` writes {USED_CALLS.name} anew; then grant it no longer" for call in gone),
    ]


def told(call: Call) -> str:
    role, service, operation = call
    return f"the role {role} calls {operation} of {service}"


def recorded(folder: Path) -> set[Call]:
    """The calls of roles that the processes of a run noted there."""
    lines = {line for file in folder.glob("*.csv") for line in file.read_text().splitlines()}
    noted = (line.split(",") for line in lines)
    return {(role, service, operation) for service, operation, modules in noted for role in roles_of(modules.split())}


def how_used() -> dict[Call, str]:
    """The calls of the committed file, and how each is answered: `run` or `stubbed`."""
    with USED_CALLS.open(newline="") as file:
        return {(row["role"], row["service"], row["operation"]): row["how"] for row in csv.DictReader(file)}


def write(used: Mapping[Call, str]) -> None:
    with USED_CALLS.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("role", "service", "operation", "how"))
        rows.writerows((*call, how) for call, how in sorted(used.items()))


def taken_over(found: Collection[Call], used: Mapping[Call, str], is_whole: bool) -> dict[Call, str]:
    """What the file is to hold after a run that recorded `found`."""
    new = {call: used.get(call, "run") for call in found}
    return new if is_whole else {**used, **new}


def _fresh_folder() -> Path:
    RUNS.mkdir(parents=True, exist_ok=True)
    for old in sorted(RUNS.iterdir())[:-_KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    folder = RUNS / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{os.getpid()}"
    folder.mkdir()
    return folder


def main() -> int:
    runs = sorted(RUNS.glob("*"))
    if not runs:
        sys.stderr.write(f"{COMMAND}: no run of tests has recorded anything in {RUNS}; run `make test` first\n")
        return 2
    is_whole = (runs[-1] / _WHOLE).exists()
    write(taken_over(recorded(runs[-1]), how_used(), is_whole))
    return 0


if __name__ == "__main__":
    sys.exit(main())
