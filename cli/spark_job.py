"""A Spark job as a child of a command: its log as a line of progress, its last error as the command's."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from rich.console import Console

from runtime.errors import JobError
from runtime.settings import REPOSITORY

if TYPE_CHECKING:
    from runtime.platforms import Platform

_STOP_SECONDS = 15
_OURS = "fleetlake."


def run_spark_job(platform: "Platform", arguments: Sequence[str], what: str) -> str:
    """Run main.py with `arguments` to its end; the last sentence it logged. Raises JobError with the job's own error."""
    command = platform.spark_command(list(arguments))
    child = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=dict(os.environ) | platform.settings.environment(),
        # spark-submit gives on what the job's Python says, its log too, as standard output.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert child.stdout is not None
    try:
        with Console(stderr=True, highlight=False).status(f"{what}: starting Spark") as spinner:
            said = _follow(child.stdout, lambda sentence: spinner.update(f"{what}: {sentence}"))
        code = child.wait()
    finally:
        _end(child)
    if code:
        raise JobError(said.error or f"{what}: the Spark job ended with exit code {code}; its last words: {said.other or 'none'}")
    return said.sentence


@dataclass
class _Said:
    """The job's last sentence and last error, and the last line that is not its log: the launcher's, or the head of a trace."""

    sentence: str = ""
    error: str = ""
    other: str = ""


def _follow(stream: IO[str], watch: Callable[[str], None]) -> _Said:
    said = _Said()
    for line in stream:
        entry = _entry(line)
        if str(entry.get("logger", "")).startswith(_OURS):
            sentence = str(entry.get("message", ""))
            watch(sentence)
            if entry.get("level") in ("ERROR", "CRITICAL"):
                said.error = sentence
            else:
                said.sentence = sentence
        elif not entry and line.strip() and not line.startswith((" ", "\t")):
            said.other = line.strip()
    return said


def _entry(line: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _end(child: subprocess.Popen[str]) -> None:
    """Leave no Spark behind when the command is interrupted."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
