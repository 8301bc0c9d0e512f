"""The runbook names commands, settings and reasons that there are."""

import re
import shlex

import pytest
from typer.core import TyperCommand, TyperGroup

from cli.main import build
from fleet.queues import KEPT_DEAD, KEPT_WAITING
from lake.reasons import Reason
from runtime.settings import REPOSITORY

pytestmark = pytest.mark.long

RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text()
COMMANDS = sorted(set(re.findall(r"`fleetlake ([^`]+)`", RUNBOOK)))


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_runbook_is_one_that_the_command_line_takes(line: str) -> None:
    command: object = build()
    words = shlex.split(line)
    while isinstance(command, TyperGroup):
        name = words.pop(0)
        assert name in command.commands, f"{line}: there is no {name}"
        command = command.commands[name]
    assert isinstance(command, TyperCommand)
    command.make_context(line, words)


def test_each_alarm_has_its_four_answers() -> None:
    alarms = RUNBOOK.split("\n## ")[1:-1]
    assert len(alarms) == 23
    for alarm in alarms:
        assert re.findall(r"^- \*\*(It means|The messages|The readings|Look|Mend)\*\*", alarm, re.M)[0] == "It means", alarm
        assert len(re.findall(r"^- \*\*", alarm, re.M)) == 4, alarm


def test_its_settings_and_reasons_are_there() -> None:
    example = (REPOSITORY / ".env.example").read_text()
    settings = set(re.findall(r"FLEETLAKE_[A-Z_]+", RUNBOOK))
    assert settings == {name for name in settings if name in example}
    assert set(re.findall(r"reason = '(\w+)'", RUNBOOK)) <= set(Reason)


def test_it_says_how_long_messages_are_kept() -> None:
    days = re.search(r"keep a message (\d+) days, the dead-letter queue (\d+)", RUNBOOK)
    assert days is not None
    assert (int(days[1]) * 86_400, int(days[2]) * 86_400) == (KEPT_WAITING, KEPT_DEAD)
